/*
 * answer.c — head and small bodies in one send, large files behind it by sendfile.
 */
#include "answer.h"

#include <errno.h>
#include <unistd.h>

#include "drain.h"
#include "lifecycle.h"
#include "outbox.h"
#include "wire.h"

enum { KEPT_OUT = 128 * 1024, LINGER_READS = 16 };

enum problem_form conn_problem_form(const struct conn *c)
{
    return c->flags & CONN_HTML ? PROBLEM_HTML : PROBLEM_JSON;
}

void teller_open(struct teller *t, struct server *s, unsigned me)
{
    *t = (struct teller){
        .server = s, .me = me, .tally = &s->tallies[me == CONN_SUPERVISOR ? 0 : me], .date_at = -1};
    response_open(&t->response);
    buf_init(&t->out, LIMIT_RESPONSE + (size_t)LIMIT_INLINE_FILE * 4);
}

void teller_close(struct teller *t)
{
    response_close(&t->response);
    buf_free(&t->out);
}

static const char *date_now(struct teller *t)
{
    time_t now = time(NULL);
    if (now != t->date_at) {
        http_date(now, t->date);
        t->date_at = now;
    }
    return t->date;
}

/* A small file is read into the answer: one system call less, and it is known to be whole. */
static bool read_small_file(struct teller *t)
{
    struct response *r = &t->response;
    char *room = buf_room(&t->out, (size_t)r->length);
    if (!room)
        return false;
    for (uint64_t at = 0; at < r->length;) {
        ssize_t n = pread(r->fd, room + at, (size_t)(r->length - at), (off_t)(r->offset + at));
        if (n <= 0)
            return false;
        at += (uint64_t)n;
    }
    t->out.len += (size_t)r->length;
    return true;
}

static bool build_head(struct teller *t, const struct conn *c, bool is_chunked)
{
    struct response_context about = {.date = date_now(t),
                                     .is_nameless = t->server->options.hide_server,
                                     .close = c->flags & CONN_LAST,
                                     .is_old = c->flags & CONN_OLD,
                                     .is_chunked = is_chunked,
                                     .id = t->id,
                                     .hsts = c->flags & CONN_TLS ? t->server->options.hsts : NULL};
    buf_reset(&t->out, KEPT_OUT);
    return response_head(&t->out, &t->response, &about);
}

/* Fills t->out; what is to go by sendfile is left in *part. False: it cannot be had. */
static bool build(struct teller *t, const struct conn *c, struct conn_part *part)
{
    struct response *r = &t->response;
    build_head(t, c, false);
    if (c->flags & CONN_HEAD || r->status == 204 || r->status == 304)
        return !t->out.failed;
    if (r->fd < 0)
        return buf_add(&t->out, r->body.data, r->body.len);
    if (r->length <= LIMIT_INLINE_FILE)
        return read_small_file(t);
    *part = (struct conn_part){.fd = r->fd,
                               .offset = r->offset,
                               .left = r->length,
                               .promised = outbox_promise(r->fd, r->offset + r->length)};
    r->fd = -1; /* the outbox has it now */
    return part->promised != OUTBOX_NO_PROMISE && !t->out.failed;
}

static enum next start_lingering(struct teller *t, struct conn *c)
{
    wire_end(t->server, c, conn_fd(&t->server->table, c));
    c->flags |= CONN_LINGER;
    conn_wait_for(c, WAIT_LINGER, LIMIT_LINGER_TIME);
    return NEXT_AGAIN;
}

/* The socket is full. Room makes an event by itself, once it has been asked for: to ask again would
 * make one at once where the client has sent more, or ended, and so on for ever. And only what the
 * client takes moves its deadline. */
static enum next wait_for_room(struct server *s, struct conn *c, bool has_moved)
{
    if (has_moved)
        conn_wait_for_room(s, c);
    if (c->flags & CONN_ROOM)
        return NEXT_WAIT;
    c->flags |= CONN_ROOM;
    return conn_watch(s, c, true) ? NEXT_WAIT : NEXT_GONE;
}

static enum next settle(struct teller *t, struct conn *c, enum outbox_result result, bool is_quiet,
                        bool has_moved)
{
    struct server *s = t->server;
    switch (result) {
    case OUTBOX_TURN:
        conn_wait_for_room(s, c);
        return NEXT_YIELD;
    case OUTBOX_FULL:
        if (wait_for_room(s, c, has_moved) == NEXT_WAIT)
            return NEXT_WAIT;
        break;
    case OUTBOX_SENT:
        conn_return_spool(s, c);
        c->flags |= CONN_SERVED;
        if (!(c->flags & CONN_LAST))
            return NEXT_AGAIN;
        if (!is_quiet)
            return start_lingering(t, c);
        conn_finish(s, c, t->me, END_CLOSE, "the last answer is out");
        return NEXT_GONE;
    case OUTBOX_BROKEN:
        break;
    }
    conn_finish(s, c, t->me, END_RESET, "the answer cannot be sent");
    return NEXT_GONE;
}

static void close_if_draining(const struct teller *t, struct conn *c)
{
    if (atomic_load_explicit(&t->server->board->draining, memory_order_relaxed) >= DRAIN_LEAVE)
        c->flags |= CONN_LAST;
}

bool answer_head(struct teller *t, struct conn *c, bool is_chunked)
{
    close_if_draining(t, c);
    bool is_built = build_head(t, c, is_chunked);
    t->id = NULL;
    return is_built;
}

enum next answer_sent(struct teller *t, struct conn *c, bool is_quiet)
{
    return settle(t, c, OUTBOX_SENT, is_quiet, true);
}

enum next answer_send(struct teller *t, struct conn *c, bool is_quiet)
{
    struct conn_part part = {.fd = -1};
    close_if_draining(t, c);
    if (!build(t, c, &part)) {
        if (part.fd >= 0)
            close(part.fd);
        part.fd = -1;
        response_problem(&t->response, conn_problem_form(c), 500,
                         "the answer could not be read or is too large", "-");
        build(t, c, &part);
    }
    t->id = NULL;
    response_drop_file(&t->response);
    int fd = conn_fd(&t->server->table, c);
    return settle(t, c, outbox_send(c, fd, t->out.data, t->out.len, part), is_quiet, true);
}

enum next answer_continue(struct teller *t, struct conn *c)
{
    if (!conn_step(c, t->me, CONN_SEND))
        return NEXT_GONE;
    uint64_t before = c->out[0].left + c->out[1].left;
    enum outbox_result result = outbox_continue(c, conn_fd(&t->server->table, c));
    return settle(t, c, result, false, c->out[0].left + c->out[1].left < before);
}

enum next answer_refuse(struct teller *t, struct conn *c, int status, const char *detail,
                        const char *id)
{
    if (!conn_step(c, t->me, CONN_SEND))
        return NEXT_GONE;
    tally_refusal(t->tally, status);
    response_problem(&t->response, conn_problem_form(c), status, detail, id);
    if (status == 503)
        response_header(&t->response, "Retry-After", "1");
    c->flags |= CONN_LAST;
    conn_close_body(c);
    conn_return_spool(t->server, c);
    conn_stash_drop(&t->server->table, c);
    c->head_len = 0;
    return answer_send(t, c, false);
}

unsigned answer_row(const struct conn *c, int route)
{
    if (c->flags & CONN_ADMIN)
        return TALLY_ADMIN;
    return route >= 0 && route < LIMIT_ROUTES ? TALLY_ROUTES + (unsigned)route : TALLY_NO_ROUTE;
}

enum next answer_linger(struct teller *t, struct conn *c)
{
    char scrap[16384];
    int fd = conn_fd(&t->server->table, c);
    for (int i = 0; i < LINGER_READS; i++) {
        ssize_t n = wire_recv(c, fd, scrap, sizeof scrap);
        if (n < 0 && errno == EAGAIN)
            return NEXT_WAIT; /* the deadline stays as it is: lingering ends in any case */
        if (n <= 0) {
            conn_finish(t->server, c, t->me, END_CLOSE, "the client has seen the refusal");
            return NEXT_GONE;
        }
    }
    return NEXT_YIELD;
}
