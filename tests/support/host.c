/*
 * What a module needs to run, and no more of it than a test can look at.
 */
#include "host.h"

#include "common/handler.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- what handler.h promises ------------------------------------------------------------------ */

struct request {
    const struct question *question;
    char path[1024];
    const char *query; /* behind the '?'; "" when there is none */
};

struct response {
    struct reply_of_module reply;
};

static long time_left = 30000;

void host_set_time_left(long ms)
{
    time_left = ms;
}

void *module_share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

const char *request_method(const struct request *req)
{
    return req->question->method;
}

const char *request_path(const struct request *req)
{
    return req->path;
}

const char *request_header(const struct request *req, const char *name, size_t *length)
{
    const char *value = strcasecmp(name, "Content-Type") == 0 ? req->question->type : NULL;

    *length = value != NULL ? strlen(value) : 0;
    return value;
}

bool request_query(const struct request *req, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    for (const char *at = req->query; *at != '\0'; at += *at == '&') {
        size_t pair = strcspn(at, "&");

        if (pair > length && strncmp(at, name, length) == 0 && at[length] == '=' &&
            pair - length - 1 < size) {
            memcpy(value, at + length + 1, pair - length - 1);
            value[pair - length - 1] = '\0';
            return true;
        }
        at += pair;
    }
    return false;
}

long request_query_number(const struct request *req, const char *name, long otherwise, long limit)
{
    char text[32], *end;
    long number;

    if (!request_query(req, name, text, sizeof(text)))
        return otherwise;
    number = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && number <= limit ? number : -1;
}

struct request_body request_body(const struct request *req)
{
    const struct question *q = req->question;

    if (q->fd > 0)
        return (struct request_body){.fd = q->fd, .length = q->length};
    return (struct request_body){
        .data = q->body != NULL ? q->body : "", .fd = -1, .length = q->length};
}

int64_t request_time_left(const struct request *req)
{
    (void)req;
    return time_left;
}

void response_status(struct response *res, int status)
{
    res->reply.status = status;
}

void response_type(struct response *res, const char *media_type)
{
    snprintf(res->reply.type, sizeof(res->reply.type), "%s", media_type);
}

bool response_header(struct response *res, const char *name, const char *value)
{
    snprintf(res->reply.name, sizeof(res->reply.name), "%s", name);
    snprintf(res->reply.value, sizeof(res->reply.value), "%s", value);
    return true;
}

bool response_write(struct response *res, const void *data, size_t length)
{
    bytes_add(&res->reply.body, data, length);
    return true;
}

void response_file(struct response *res, int fd, uint64_t offset, uint64_t length)
{
    char block[4096];
    ssize_t got;

    while (length > 0 && (got = pread(fd, block, length < sizeof(block) ? length : sizeof(block),
                                      (off_t)offset)) > 0) {
        bytes_add(&res->reply.body, block, (size_t)got);
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    close(fd);
}

bool response_flush(struct response *res)
{
    (void)res;
    return true;
}

/* --- the host --------------------------------------------------------------------------------- */

struct host host_open(const char *name, const char *argument)
{
    const char *folder = getenv("TANDEM_EXAMPLES");
    struct host host = {0};
    char path[1024];

    ck_assert_msg(folder != NULL, "TANDEM_EXAMPLES is not set: run this with ctest");
    snprintf(path, sizeof(path), "%s/%s.so", folder, name);
    host.library = dlopen(path, RTLD_NOW);
    ck_assert_msg(host.library != NULL, "%s", dlerror());
    host.module = dlsym(host.library, "tandem_module");
    ck_assert_msg(host.module != NULL, "%s", dlerror());
    ck_assert_uint_eq(host.module->abi, TANDEM_ABI);
    if (host.module->open != NULL)
        host.refusal = host.module->open(argument, &host.state);
    return host;
}

void host_close(struct host *host)
{
    if (host->module->close != NULL)
        host->module->close(host->state);
    dlclose(host->library);
    *host = (struct host){0};
}

/* As the router does: the longest path wins, and is asked for the method. */
static const struct route *find_route(const struct host *host, const struct request *req)
{
    const struct route *best = NULL;

    for (const struct route *r = host->module->routes; r->path != NULL; r++) {
        size_t length = strlen(r->path);
        bool fits = r->path[length - 1] == '/' ? strncmp(r->path, req->path, length) == 0
                                               : strcmp(r->path, req->path) == 0;

        if (fits && (best == NULL || length > strlen(best->path)))
            best = r;
    }
    return best != NULL && strstr(best->methods, req->question->method) != NULL ? best : NULL;
}

struct reply_of_module host_ask(const struct host *host, const struct question *question)
{
    struct request req = {.question = question};
    struct response res = {.reply = {.status = 200, .type = "text/plain"}};
    size_t path = strcspn(question->target, "?");
    const struct route *route;
    int status = 404;

    snprintf(req.path, sizeof(req.path), "%.*s", (int)path, question->target);
    req.query = question->target + path + (question->target[path] == '?');
    route = find_route(host, &req);
    if (route != NULL)
        status = route->handle(&req, &res, host->state);
    if (status != 0)
        res.reply.status = status;
    return res.reply;
}

struct reply_of_module host_get(const struct host *host, const char *target)
{
    return host_ask(host, &(struct question){.method = "GET", .target = target});
}
