/*
 * handler.h — the only header a request handler includes.
 *
 * A handler is a function; a module is a const struct that names some of them. The built-in ones
 * (common/handlers/) use exactly this struct. A handler sees only whole requests: head and body
 * have arrived before it is called, and what it returns is sent after it has returned, by whoever
 * has time. It therefore never waits for a client, and a client never waits for half a handler.
 *
 * Rules that hold in both servers:
 *   - `handle` is called for one request at a time per worker, by any worker; it may block, which
 *     costs one worker and nobody else.
 *   - What it allocates it frees. Descriptors it opens belong to the request: close them, or hand
 *     them over with response_file(). Long-lived ones are opened in `open`, before any worker is.
 *   - It does not touch signals 1, 2, 10, 12, 15 and 17, the working directory, locale or umask.
 *
 * What differs, and is the point of the pair:
 *   - server-thread: statics are shared by all workers; guard them. A crash ends every request.
 *   - server-proc pool: statics are the worker's own and outlive the request; fresh: they are as
 *     they were after `open`, each time. A crash ends this request, which is answered with 500.
 *
 * No function here is for the supervisor: it calls no handler.
 */
#ifndef TANDEM_HANDLER_H
#define TANDEM_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TANDEM_ABI 1

struct request;
struct response;

/* One route. `path` ending in '/' stands for everything below it; the longest match wins. */
struct route {
    const char *methods; /* separated by spaces, as they stand in Allow: "GET HEAD" */
    const char *path;
    /* Returns 0 when the response is made, or an HTTP status (400–599) to be answered as an
     * error. */
    int (*handle)(const struct request *req, struct response *res, void *state);
};

struct module {
    uint32_t abi; /* TANDEM_ABI; read before anything else */
    const char *name;
    const struct route *routes; /* ends with a route whose path is NULL */
    /* Called once, before the first worker starts. `argument` may be NULL; *state is handed to each
     * handle(). Returns NULL, or one line that says what is wrong and how to mend it (static). */
    const char *(*open)(const char *argument, void **state);
    void (*close)(void *state); /* called once, by the process that called open; may be NULL */
};

/* The request. All strings live as long as the handler runs; none is to be freed. */
const char *request_method(const struct request *req);
const char *request_path(const struct request *req); /* decoded, absolute, without "." and ".." */
/* Value of a header (case ignored), not terminated by NUL; NULL when absent; *length in bytes. */
const char *request_header(const struct request *req, const char *name, size_t *length);
/* Copies the decoded value of ?name=… into `value`; false when absent or too long for `size`. */
bool request_query(const struct request *req, const char *name, char *value, size_t size);
/* ?name=NUMBER, or `otherwise` when absent; -1 when it is no number in 0…limit. */
long request_query_number(const struct request *req, const char *name, long otherwise, long limit);

/* The body: in memory (`data`), or, when it was large, in a descriptor the server owns (`fd`). */
struct request_body {
    const void *data; /* NULL when the body is in fd */
    int fd;           /* -1 when the body is in memory; read it with pread from offset 0 */
    uint64_t length;  /* bytes */
};
struct request_body request_body(const struct request *req);

/* The response. Until a status is set it is 200; without a type it is text/plain. */
void response_status(struct response *res, int status);
void response_type(struct response *res, const char *media_type); /* copied */
/* Adds a header line. False when name or value are not fit for the wire, or memory is short. */
bool response_header(struct response *res, const char *name, const char *value);
/* Appends `length` bytes to the body (copied). False when memory is short or 64 MiB are exceeded:
 * return 500 then. */
bool response_write(struct response *res, const void *data, size_t length);
/* The body is `length` bytes of `fd`, a file or memfd, from `offset`. The server owns fd from here on.
 * A file that becomes shorter, or is changed, before it is sent makes the answer end early. */
void response_file(struct response *res, int fd, uint64_t offset, uint64_t length);

#endif
