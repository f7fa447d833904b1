/*
 * handler.h — the only header a request handler includes, built in or loaded with --module.
 *
 * A handler is a function; a module is a const struct that names some of them. The built-in ones
 * (common/handlers/) use exactly this struct, and so does a module of yours, in a shared object:
 *
 *      #include <tandem/handler.h>
 *      static int hello(const struct request *req, struct response *res, void *state) { … }
 *      static const struct route routes[] = {{"GET", "/hello", hello}, {NULL, NULL, NULL}};
 *      const struct module tandem_module = {.abi = TANDEM_ABI, .name = "hello", .routes = routes};
 *
 *      cc -shared -fPIC -o hello.so hello.c      server-proc --module ./hello.so
 *
 * A handler sees only whole requests: head and body have arrived before it is called, and what it
 * returns is sent after it has returned, by whoever has time. So it does not wait for a client,
 * unless it asks to with response_flush().
 *
 * Rules that hold in both servers; a module that breaks them in `open` is refused at start:
 *   - `open` starts no thread and no process, and leaves signals, signal mask, working directory,
 *     umask, locale and the standard descriptors as they were; constructors of the shared object
 *     likewise. So does `handle`, which may block, at the cost of one worker.
 *   - `handle` is called for one request at a time per worker, by any worker.
 *   - What it allocates it frees. Descriptors it opens belong to the request: close them, or hand
 *     them over with response_file(). One that is left open is closed by the server, sooner or
 *     later. Long-lived ones are opened in `open`.
 *   - With --sandbox on (the default), `handle` can start no program and open no socket (unless the
 *     module says that it needs them), write to no file it has to open by name, and read only what
 *     lies below --root and in the system's own folders. What `open` has opened stays open.
 *
 * What differs, and is the point of the pair:
 *   - server-thread: statics are shared by all workers; guard them. A crash ends every request.
 *   - server-proc pool: statics are the worker's own and outlive the request; fresh: they are as
 *     they were after `open`, each time. A crash ends this request, which is answered with 500.
 *   - Memory from module_share() is the same for all workers in either server, and lives as long as
 *     the process that called `open`: in server-thread a crash ends it, in server-proc none does. A
 *     lock in it that dies with its holder stays locked: use atomics.
 *
 * No function here is for the supervisor: it calls no handler.
 */
#ifndef TANDEM_HANDLER_H
#define TANDEM_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* what the servers export to modules */

#define TANDEM_ABI 2

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

enum { TANDEM_NEEDS_SOCKETS = 1 /* handlers open connections of their own */ };

/* A shared object has one of these, called tandem_module. */
struct module {
    uint32_t abi;   /* TANDEM_ABI; read before anything else */
    uint32_t needs; /* of TANDEM_NEEDS_…: what the sandbox must leave */
    const char *name;
    const struct route *routes; /* ends with a route whose path is NULL */
    /* Called once, before the first worker starts; may be NULL. `argument` is what stands behind
     * the '=' of --module, or NULL; *state is handed to each handle(). Returns NULL, or one line
     * that says what is wrong and how to mend it (static). */
    const char *(*open)(const char *argument, void **state);
    void (*close)(void *state); /* called once, by the process that called open; may be NULL */
};
extern const struct module tandem_module; /* so that C++ and -fvisibility=hidden let it be seen */

/* For `open` only: `bytes` of zeros that all workers see, whichever server it is. They live as long
 * as the process that calls `open`. NULL when there is no memory, or no `open` runs. */
void *module_share(size_t bytes);

/* The request. All strings live as long as the handler runs; none is to be freed. */
const char *request_method(const struct request *req);
const char *request_path(const struct request *req); /* decoded, absolute, without "." and ".." */
/* The id under which logs and error answers speak of this request: the client's own, when it has sent a
 * well-formed X-Request-Id (the server then sends it back), or one the server has made. At most 64
 * bytes; never empty, and nothing in it has to be escaped in JSON, HTML or a URL's path. */
const char *request_identifier(const struct request *req);
/* Value of a header (case ignored), not terminated by NUL; NULL when absent; *length in bytes. */
const char *request_header(const struct request *req, const char *name, size_t *length);
/* Copies the decoded value of ?name=… into `value`; false when absent or too long for `size`. */
bool request_query(const struct request *req, const char *name, char *value, size_t size);
/* ?name=NUMBER, or `otherwise` when absent; -1 when it is no number in 0…limit. */
long request_query_number(const struct request *req, const char *name, long otherwise, long limit);

enum { TANDEM_CLIENT_SIZE = 46 };
/* Who asks: "192.0.2.1", "2001:db8::1", or "unix" for a unix socket. Behind a --trusted-proxy it is whom
 * that one names (--proxy-protocol, Forwarded, X-Forwarded-For); nobody else's word counts. Written to
 * `text`, which is returned. */
const char *request_client(const struct request *req, char text[TANDEM_CLIENT_SIZE]);

/* What TLS has told of the connection. */
struct request_tls {
    const char *version;     /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_128_GCM_SHA256" */
    const char *server_name; /* whom the client asked for; NULL: nobody (no SNI) */
    const char *client;      /* subject of its certificate, which --tls-client-ca vouches for, as in
                                RFC 4514 ("CN=ada,O=Example"); NULL: it has shown none */
    bool is_resumed;         /* an earlier session goes on */
};
/* NULL when the connection is plain. */
const struct request_tls *request_tls(const struct request *req);

/* The body: in memory (`data`), or, when it was large, in a descriptor the server owns (`fd`). */
struct request_body {
    const void *data; /* NULL when the body is in fd */
    int fd;           /* -1 when the body is in memory; read it with pread from offset 0 */
    uint64_t length;  /* bytes */
};
struct request_body request_body(const struct request *req);
/* Milliseconds until --request-timeout, when the client gets a 504 and the handler is killed (in
 * server-thread: is abandoned). At nine tenths of the time, system calls in which the handler waits
 * return EINTR: look here then, and finish with what there is. (They may do so at other times, too.) */
int64_t request_time_left(const struct request *req);

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
/* Sends what has been written so far, the head first; for answers that are large, or begin before
 * they are complete. From then on only response_write and response_flush mean anything, and a
 * failure is a connection reset. May wait for the client, up to --write-timeout. False when it has
 * gone: return, there is nobody to tell. */
bool response_flush(struct response *res);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
