/*
 * stream.c — chunks (RFC 9112 §7.1), or up to the close for HTTP/1.0.
 */
#include "stream.h"

#include <errno.h>
#include <poll.h>

#include "lifecycle.h"
#include "wire.h"

enum { KEPT_OUT = 128 * 1024 };

/* The keeper must not take this for a handler that runs too long. */
static bool wait_for_client(struct worker *w, struct conn *c, int fd)
{
    int64_t began = clock_ms(), left = w->teller.server->options.write_timeout,
            until = began + left;
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    int ready;
    conn_wait_until(c, WAIT_REQUEST, w->request.deadline + left);
    do {
        ready = poll(&room, 1, (int)left);
        left = until - clock_ms();
    } while (ready < 0 && errno == EINTR && left > 0);
    w->request.deadline += clock_ms() - began;
    conn_wait_until(c, WAIT_REQUEST, w->request.deadline);
    return ready > 0;
}

static bool send_out(struct worker *w, struct conn *c)
{
    int fd = conn_fd(&w->teller.server->table, c);
    const char *at = w->teller.out.data;
    size_t left = w->teller.out.len;
    while (left > 0) {
        ssize_t put = wire_send(c, fd, at, left, false);
        if (put > 0) {
            at += put;
            left -= (size_t)put;
            continue;
        }
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0 || errno != EAGAIN || !wait_for_client(w, c, fd))
            return false;
    }
    return true;
}

static bool has_body(const struct conn *c, const struct response *r)
{
    return !(c->flags & CONN_HEAD) && r->status != 204 && r->status != 304;
}

static bool is_chunked(const struct conn *c)
{
    return !(c->flags & CONN_OLD);
}

/* What the handler has written becomes one chunk. An empty one would be the end. */
static bool add_body(struct worker *w, const struct conn *c, struct response *r)
{
    struct buf *out = &w->teller.out;
    if (r->body.len > 0 && has_body(c, r)) {
        if (is_chunked(c))
            buf_printf(out, "%zx\r\n", r->body.len);
        buf_add(out, r->body.data, r->body.len);
        if (is_chunked(c))
            buf_add(out, "\r\n", 2);
        w->streamed += r->body.len;
    }
    buf_reset(&r->body, KEPT_OUT);
    return !out->failed;
}

static bool begin(struct worker *w, struct conn *c, struct response *r)
{
    if (!is_chunked(c))
        c->flags |= CONN_LAST; /* the close is the end */
    r->has_begun = true;
    w->streamed = 0;
    atomic_store_explicit(&w->slot->status, r->status, memory_order_relaxed);
    return answer_head(&w->teller, c, is_chunked(c) && has_body(c, r));
}

bool stream_flush(struct response *r, void *worker)
{
    struct worker *w = worker;
    struct conn *c = w->conn;
    if (r->failed || !conn_step(c, w->teller.me, CONN_SEND))
        return false;
    if (r->has_begun)
        buf_reset(&w->teller.out, KEPT_OUT);
    else if (!begin(w, c, r))
        return false;
    bool is_out = add_body(w, c, r) && send_out(w, c);
    if (is_out) /* for an obituary */
        atomic_store_explicit(&w->slot->streamed, w->streamed, memory_order_relaxed);
    return is_out;
}

enum next stream_end(struct worker *w, struct conn *c, bool is_whole)
{
    struct response *r = &w->teller.response;
    response_drop_file(r);
    buf_reset(&w->teller.out, KEPT_OUT);
    if (is_whole && is_chunked(c) && has_body(c, r))
        is_whole = buf_text(&w->teller.out, "0\r\n\r\n") && send_out(w, c);
    if (is_whole)
        return answer_sent(&w->teller, c, false);
    conn_finish(w->teller.server, c, w->teller.me, END_RESET, "its stream has broken off");
    return NEXT_GONE;
}
