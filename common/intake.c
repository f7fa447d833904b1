/*
 * intake.c — reading, keeping, and putting together again.
 */
#include "intake.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http1.h"
#include "lifecycle.h"
#include "wire.h"

static struct server *server_of(const struct worker *w)
{
    return w->teller.server;
}

/* --- the socket --- */

enum received { RECEIVED, NOTHING_NOW, ENDED };

static enum received receive(struct worker *w, struct conn *c, size_t room)
{
    int fd = conn_fd(&server_of(w)->table, c);
    ssize_t n;
    do
        n = wire_recv(c, fd, w->in + w->in_len, room);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        w->drained = true;
        return NOTHING_NOW;
    }
    if (n <= 0)
        return ENDED;
    w->drained =
        !w->is_wary &&
        wire_is_drained(c, fd, (size_t)n, room); /* more makes an event: epoll(7), short reads */
    w->in_len += (size_t)n;
    return RECEIVED;
}

/* --- the stash: what has arrived and is not consumed --- */

static void load_stash(struct worker *w, const struct conn *c)
{
    const char *stash = conn_stash(&server_of(w)->table, c);
    w->in_len = w->in_stashed = c->stash_len;
    memcpy(w->in, stash + c->stash_off, c->stash_len);
}

/* The bounds stand in shared memory, and may have been scribbled on: no other stash is written to. */
static void wipe_stash(const struct conn_table *t, const struct conn *c, size_t from, size_t to)
{
    if (to > t->stash_size)
        to = t->stash_size;
    if (from < to)
        memset(conn_stash(t, c) + from, 0, to - from);
}

/* in[from … in_len) becomes the content of the stash, and its only one: all workers can read there, and
 * a request that has been taken out is its worker's alone, from before its handler runs. */
static void save_stash(struct worker *w, struct conn *c, size_t from)
{
    const struct conn_table *t = &server_of(w)->table;
    size_t left = w->in_len - from;
    if (left == 0) {
        conn_stash_drop(t, c);
        return;
    }
    if (w->in_stashed == w->in_len) { /* all of it lies there already */
        wipe_stash(t, c, c->stash_off, c->stash_off + from);
        c->stash_off += (uint32_t)from;
        c->stash_len = (uint32_t)left;
        return;
    }
    memcpy(conn_stash(t, c), w->in + from, left);
    wipe_stash(t, c, left, c->stash_high);
    c->stash_off = 0;
    c->stash_len = (uint32_t)left;
    if (left > c->stash_high)
        c->stash_high = (uint32_t)left;
}

/* --- bodies --- */

static bool reserve_spool(struct server *s, struct conn *c, size_t n)
{
    c->spooled += n;
    uint64_t all = atomic_fetch_add(&s->board->spooled, n) + n;
    return all <= s->options.max_spool;
}

static bool write_all(int fd, const char *data, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t put = write(fd, data + at, n - at);
        if (put <= 0)
            return false;
        at += (size_t)put;
    }
    return true;
}

/* Appends decoded bytes to the body: behind the head in the stash, or, once too large, in a memfd.
 * Returns 0 or the status to refuse with. */
static int keep_body(struct worker *w, struct conn *c, const char *data, size_t n)
{
    struct server *s = server_of(w);
    char *kept = conn_stash(&s->table, c) + c->head_len;
    c->body_got += n;
    if (c->body_fd < 0 && c->body_kept + n <= LIMIT_BODY_MEMORY) {
        memcpy(kept + c->body_kept, data, n);
        c->body_kept += (uint32_t)n;
        c->stash_high = c->head_len + c->body_kept;
        return 0;
    }
    if (c->body_fd < 0) {
        c->body_fd = memfd_create("body", MFD_CLOEXEC);
        if (c->body_fd < 0 || !reserve_spool(s, c, c->body_kept) ||
            !write_all(c->body_fd, kept, c->body_kept))
            return 503;
    }
    return reserve_spool(s, c, n) && write_all(c->body_fd, data, n) ? 0 : 503;
}

enum fed { FED_MORE, FED_WHOLE, FED_REFUSED };

static enum fed feed_counted(struct worker *w, struct conn *c, size_t *at, int *status)
{
    size_t n = w->in_len - *at;
    if (n > c->body_left)
        n = (size_t)c->body_left;
    *status = keep_body(w, c, w->in + *at, n);
    *at += n;
    c->body_left -= n;
    return *status ? FED_REFUSED : c->body_left == 0 ? FED_WHOLE : FED_MORE;
}

static enum fed feed_chunked(struct worker *w, struct conn *c, size_t *at, int *status)
{
    uint64_t limit = server_of(w)->options.max_body;
    while (*at < w->in_len) {
        size_t used, n;
        const char *data;
        switch (chunked_next(&c->chunked, w->in + *at, w->in_len - *at, &used, &data, &n)) {
        case CHUNKED_DATA:
            *status = c->body_got + n + c->chunked.left > limit ? 413 : keep_body(w, c, data, n);
            if (*status)
                return FED_REFUSED;
            break;
        case CHUNKED_END:
            *at += used;
            return FED_WHOLE;
        case CHUNKED_BAD:
            *status = 400;
            return FED_REFUSED;
        case CHUNKED_MORE:
            break;
        }
        *at += used;
    }
    return FED_MORE;
}

static enum fed feed(struct worker *w, struct conn *c, size_t *at, int *status)
{
    return c->is_chunked ? feed_chunked(w, c, at, status) : feed_counted(w, c, at, status);
}

/* The pieces become one request again, in the worker's own memory; in[at …) is what follows it. */
static enum intake_result put_together(struct worker *w, struct conn *c, size_t at, int *status)
{
    struct server *s = server_of(w);
    size_t head_len = c->head_len, body_len = c->body_kept;
    memcpy(w->kept, conn_stash(&s->table, c), head_len + body_len);
    c->head_len = c->body_kept = 0;
    c->since = 0;
    w->in_stashed = 0;
    conn_stash_drop(&s->table, c);
    save_stash(w, c, at);
    *status = http1_parse(&s->options, w->kept, head_len, &w->request);
    if (*status != HTTP1_OK)
        return INTAKE_REFUSED;
    w->request.body = (struct request_body){.data = c->body_fd < 0 ? w->kept + head_len : NULL,
                                            .fd = c->body_fd,
                                            .length = c->body_got};
    return INTAKE_WHOLE;
}

static enum intake_result wait_for_body(struct worker *w, struct conn *c)
{
    const struct options *o = &server_of(w)->options;
    int64_t time = o->body_timeout + (int64_t)(c->body_got / o->body_rate) * 1000;
    if (time > o->body_total_timeout)
        time = o->body_total_timeout;
    conn_wait_until(c, WAIT_BODY, c->since + time);
    return w->drained ? INTAKE_WAIT : INTAKE_YIELD;
}

/* To receive costs something however little it brings: with TLS, a thousand records perhaps. */
enum { PIECE_WORTH = LIMIT_TURN / 32 };

/* in[at … in_len) is the beginning of the body, or its continuation. */
static enum intake_result intake_body(struct worker *w, struct conn *c, size_t at, int *status)
{
    size_t turn = 0;
    for (;;) {
        if (at < w->in_len) {
            switch (feed(w, c, &at, status)) {
            case FED_WHOLE:
                return put_together(w, c, at, status);
            case FED_REFUSED:
                return INTAKE_REFUSED;
            case FED_MORE:
                break;
            }
        }
        if (w->drained || turn > LIMIT_TURN)
            return wait_for_body(w, c);
        w->in_len = at = 0;
        size_t room = w->in_size;
        if (!c->is_chunked && c->body_left < room)
            room = (size_t)c->body_left;
        if (receive(w, c, room) == ENDED)
            return INTAKE_ENDED;
        turn += w->in_len > PIECE_WORTH ? w->in_len : PIECE_WORTH;
    }
}

static enum intake_result start_body(struct worker *w, struct conn *c, int *status)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct server *s = server_of(w);
    const struct request *r = &w->request;
    memcpy(conn_stash(&s->table, c), r->head, r->head_len);
    c->stash_off = c->stash_len = 0;
    c->stash_high = c->head_len = (uint32_t)r->head_len;
    c->body_kept = 0;
    c->body_got = 0;
    c->body_left = r->content_length;
    c->is_chunked = r->is_chunked;
    chunked_init(&c->chunked);
    c->since = clock_ms();
    if (r->expects_continue && w->in_len == r->head_len) {
        ssize_t sent = wire_send(c, conn_fd(&s->table, c), go_on, sizeof go_on - 1, false);
        if (sent != sizeof go_on - 1)
            return INTAKE_ENDED;
    }
    return intake_body(w, c, r->head_len, status);
}

/* --- heads --- */

/* The head is whole. Most requests end here: no body, or a small one that came along. */
static enum intake_result take_head(struct worker *w, struct conn *c, int *status)
{
    struct request *r = &w->request;
    size_t behind = w->in_len - r->head_len;
    c->since = 0;
    if (r->is_chunked || r->content_length > behind)
        return start_body(w, c, status);
    r->body =
        (struct request_body){.fd = -1, .data = w->in + r->head_len, .length = r->content_length};
    save_stash(w, c, r->head_len + (size_t)r->content_length);
    return INTAKE_WHOLE;
}

static enum intake_result wait_for_head(struct worker *w, struct conn *c)
{
    const struct options *o = &server_of(w)->options;
    if (w->in_len == 0) {
        bool is_new = !(c->flags & CONN_SERVED);
        c->since = 0;
        int64_t timeout = is_new ? o->header_timeout : o->idle_timeout;
        conn_wait_until(c, WAIT_REQUEST, w->now / 1000 + timeout);
        return INTAKE_WAIT;
    }
    save_stash(w, c, 0);
    if (c->since == 0)
        c->since = clock_ms();
    conn_wait_until(c, WAIT_HEADER, c->since + o->header_timeout);
    return INTAKE_WAIT;
}

enum intake_result intake_request(struct worker *w, struct conn *c, int *status)
{
    struct server *s = server_of(w);
    if (!conn_step(c, w->teller.me, CONN_READ))
        return INTAKE_TAKEN;
    if (c->head_len > 0) {
        w->in_len = 0;
        return intake_body(w, c, 0, status);
    }
    for (load_stash(w, c);;) {
        *status =
            w->in_len > 0 ? http1_parse(&s->options, w->in, w->in_len, &w->request) : HTTP1_MORE;
        if (*status == HTTP1_OK)
            return take_head(w, c, status);
        if (*status == HTTP1_MORE && w->in_len == w->in_size)
            *status = 431;
        if (*status != HTTP1_MORE)
            return INTAKE_REFUSED;
        if (w->drained)
            return wait_for_head(w, c);
        if (receive(w, c, w->in_size - w->in_len) == ENDED)
            return INTAKE_ENDED;
    }
}
