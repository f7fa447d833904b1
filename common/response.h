/*
 * response.h — what a handler answers, and how its head is written.
 *
 * Owned by one worker, reused from request to request. handler.h has the handler's side.
 */
#ifndef TANDEM_RESPONSE_H
#define TANDEM_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "handler.h"

struct response {
    int status;
    char type[128];
    struct buf headers; /* whole lines, each with its CRLF */
    struct buf body;
    int fd; /* -1: the body is in `body` */
    uint64_t offset;
    uint64_t length; /* of the part of fd */
    bool failed;     /* the handler asked for what cannot be sent: answer 500 */
    /* Sends what is there, for response_flush; NULL: it cannot be sent before it is complete. */
    bool (*flush)(struct response *r, void *flush_to);
    void *flush_to;
    bool has_begun; /* the head is out: from here on a failure is a reset */
};

void response_open(struct response *r);
void response_close(struct response *r);
/* Forgets the answer, closes its descriptor, keeps a moderate amount of memory. */
void response_reset(struct response *r);
/* Closes its descriptor: at once when it is not needed any more, for a descriptor that a dying
 * worker leaves open stays open in the table all workers share. */
void response_drop_file(struct response *r);
uint64_t response_length(const struct response *r); /* bytes of the body */

enum problem_form { PROBLEM_JSON, PROBLEM_HTML };

/* Makes it an error answer that names the request: application/problem+json (RFC 9457), or a small
 * page for people. `detail` may be NULL. */
void response_problem(struct response *r, enum problem_form form, int status, const char *detail,
                      const char *id);

/* The form that the request's Accept field asks for. */
enum problem_form request_problem_form(const struct request *req);

/* What the head says beyond the response itself. */
struct response_context {
    const char *date; /* the value of Date */
    bool is_nameless; /* no Server field */
    bool close;       /* "Connection: close" */
    bool is_old;      /* an HTTP/1.0 client whose connection is kept: say keep-alive */
    const char *hsts; /* the value of Strict-Transport-Security (RFC 6797 §7.1); NULL: none */
    const char *id;   /* the value of X-Request-Id; NULL: none */
    bool is_chunked;  /* the length is not known yet: chunks, or up to the close */
};

/* Appends status line, fields and the empty line (RFC 9112 §4, RFC 9110 §8). */
bool response_head(struct buf *out, const struct response *r, const struct response_context *about);

/* "Not Found"; "Unknown" for a number without a phrase. Static. */
const char *status_phrase(int status);

#endif
