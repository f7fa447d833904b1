/*
 * request.c — what handlers may ask of a request.
 */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "clock.h"
#include "uri.h"

bool request_open(struct request *r, unsigned field_max, size_t max_target)
{
    *r = (struct request){.field_max = field_max, .path_size = max_target + 2};
    r->fields = calloc(field_max, sizeof *r->fields);
    r->path = malloc(r->path_size);
    if (r->fields && r->path)
        return true;
    request_close(r);
    return false;
}

void request_close(struct request *r)
{
    free(r->fields);
    free(r->path);
    *r = (struct request){0};
}

void request_reset(struct request *r)
{
    *r = (struct request){
        .fields = r->fields, .field_max = r->field_max, .path = r->path, .path_size = r->path_size};
    r->body.fd = -1;
}

static const char *or_none(const char *text)
{
    return *text ? text : NULL;
}

void request_secure(struct request *r, const struct tls_facts *facts)
{
    r->is_secure = true;
    r->tls = (struct request_tls){.version = facts->version,
                                  .cipher = facts->cipher,
                                  .server_name = or_none(facts->server_name),
                                  .client = or_none(facts->subject),
                                  .is_resumed = facts->is_resumed};
}

const struct request_tls *request_tls(const struct request *req)
{
    return req->is_secure ? &req->tls : NULL;
}

_Static_assert((int)TANDEM_CLIENT_SIZE >= (int)INET6_ADDRSTRLEN, "any address fits");

const char *request_client(const struct request *req, char text[TANDEM_CLIENT_SIZE])
{
    return address_text(&req->client, text);
}

const char *request_method(const struct request *req)
{
    return req->method;
}

const char *request_identifier(const struct request *req)
{
    return req->id;
}

const char *request_path(const struct request *req)
{
    return req->path;
}

const char *request_header(const struct request *req, const char *name, size_t *length)
{
    size_t name_len = strlen(name);
    for (unsigned i = 0; i < req->field_count; i++) {
        const struct field *f = &req->fields[i];
        if (f->name_len == name_len && strncasecmp(f->name, name, name_len) == 0) {
            *length = f->value_len;
            return f->value;
        }
    }
    *length = 0;
    return NULL;
}

bool request_query(const struct request *req, const char *name, char *value, size_t size)
{
    return req->query && uri_query(req->query, req->query_len, name, value, size);
}

long request_query_number(const struct request *req, const char *name, long otherwise, long limit)
{
    char text[24];
    if (!req->query)
        return otherwise;
    if (!request_query(req, name, text, sizeof text)) {
        char any[1024];
        return request_query(req, name, any, sizeof any) ? -1 : otherwise;
    }
    char *end;
    long number = strtol(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0';
    return is_number && number <= limit ? number : -1;
}

struct request_body request_body(const struct request *req)
{
    return req->body;
}

int64_t request_time_left(const struct request *req)
{
    return req->deadline - clock_ms();
}
