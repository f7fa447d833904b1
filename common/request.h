/*
 * request.h — one whole request, as the core sees it; handlers see it through handler.h.
 *
 * It lies in memory of the worker that runs it: a worker that is robbed of its connection (a lost
 * thread) still reads its own copy, never another request's bytes.
 */
#ifndef TANDEM_REQUEST_H
#define TANDEM_REQUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler.h"
#include "limits.h"
#include "tls_facts.h"

struct field {
    const char *name;
    const char *value;
    uint32_t name_len;
    uint32_t value_len;
};

enum { REQUEST_METHOD_SIZE = 24 };

struct request {
    char method[REQUEST_METHOD_SIZE];
    const char *head; /* the bytes all spans below point into */
    size_t head_len;
    const char *line; /* the request line, for the log; NULL when there is none */
    size_t line_len;
    const char *target; /* as it came */
    size_t target_len;
    const char *query; /* behind the first '?'; NULL: none */
    size_t query_len;
    char *path; /* decoded; path_size bytes, given by request_open */
    size_t path_size;
    struct field *fields;
    unsigned field_count;
    unsigned field_max;
    bool has_fields;            /* all that the head has */
    struct sockaddr_in6 client; /* who asks, as far as is known; set by whoever runs it */
    bool is_head;
    bool is_old;      /* HTTP/1.0 */
    bool wants_https; /* its target is a whole URI, "https://…" */
    bool keep_alive;
    bool is_chunked;
    bool expects_continue;
    uint64_t content_length;
    struct request_body body;
    bool is_secure; /* it came by TLS, about which `tls` tells */
    struct request_tls tls;
    int64_t deadline;              /* monotonic ms: when --request-timeout is over */
    char id[LIMIT_REQUEST_ID + 1]; /* under which logs speak of it */
};

/* Gets the memory for requests of up to `field_max` fields and targets of up to `max_target` bytes,
 * once per worker; false when there is none. */
bool request_open(struct request *r, unsigned field_max, size_t max_target);
void request_close(struct request *r);
/* It came by TLS; `facts` live as long as it does. */
void request_secure(struct request *r, const struct tls_facts *facts);
/* Forgets the request, keeps the memory. */
void request_reset(struct request *r);

#endif
