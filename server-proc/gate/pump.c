/*
 * pump.c — recv here, send there; and what is left of it.
 */
#include "pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A record is 16 KiB at most; the pair gives what it has, 200 KiB and more. */
enum { UP_PIECE = 16384, DOWN_PIECE = 65536, UP_PIECES = 8, DOWN_PIECES = 4 };

static char up_buffer[UP_PIECE], down_buffer[DOWN_PIECE];

void pump_open(struct pump *p, struct tls_session *tls, int pair)
{
    *p = (struct pump){.tls = tls, .pair = pair, .client_has_more = true, .worker_has_more = true};
}

static void drop(struct rest *r)
{
    free(r->bytes);
    *r = (struct rest){0};
}

void pump_close(struct pump *p)
{
    drop(&p->up);
    drop(&p->down);
}

void pump_client(struct pump *p, bool has_ended)
{
    p->client_has_more = true;
    tls_refresh(p->tls, has_ended);
}

void pump_worker(struct pump *p, bool has_ended)
{
    p->worker_has_more = true;
    p->worker_may_have_ended = has_ended;
}

bool pump_waits_for_worker(const struct pump *p)
{
    return p->up.bytes;
}

bool pump_waits_for_client(const struct pump *p)
{
    return p->down.bytes;
}

/* --- what is left --- */

/* False: no memory. */
static bool keep(struct rest *r, const char *bytes, size_t n)
{
    *r = (struct rest){.bytes = malloc(n), .end = n};
    if (r->bytes)
        memcpy(r->bytes, bytes, n);
    return r->bytes;
}

/* Sends as much as goes; how much, or -1 when it never will. */
typedef ssize_t send_some(struct pump *p, const char *bytes, size_t n);

/* Nobody there: as if it had taken them. */
static ssize_t send_up(struct pump *p, const char *bytes, size_t n)
{
    if (p->is_unheard)
        return (ssize_t)n;
    ssize_t sent = send(p->pair, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    p->is_unheard = true;
    return (ssize_t)n;
}

static ssize_t send_down(struct pump *p, const char *bytes, size_t n)
{
    ssize_t sent = tls_send(p->tls, bytes, n, false);
    return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
}

/* All of it, or the rest is kept. */
static enum pump_result pass_on(struct pump *p, struct rest *r, const char *bytes, size_t n,
                                send_some *send_it)
{
    size_t at = 0;
    while (at < n) {
        ssize_t sent = send_it(p, bytes + at, n - at);
        if (sent < 0)
            return PUMP_BROKEN;
        if (sent == 0)
            return keep(r, bytes + at, n - at) ? PUMP_WAIT : PUMP_BROKEN;
        at += (size_t)sent;
    }
    return PUMP_MORE;
}

static enum pump_result pass_on_rest(struct pump *p, struct rest *r, send_some *send_it)
{
    while (r->bytes) {
        ssize_t sent = send_it(p, r->bytes + r->at, r->end - r->at);
        if (sent < 0)
            return PUMP_BROKEN;
        if (sent == 0)
            return PUMP_WAIT;
        r->at += (size_t)sent;
        if (r->at == r->end)
            drop(r);
    }
    return PUMP_MORE;
}

/* --- up --- */

static enum pump_result take_from_client(struct pump *p)
{
    ssize_t n = tls_recv(p->tls, up_buffer, sizeof up_buffer);
    if (n > 0)
        return pass_on(p, &p->up, up_buffer, (size_t)n, send_up);
    if (n == 0)
        return PUMP_ENDED;
    if (errno != EAGAIN)
        return PUMP_BROKEN;
    p->client_has_more = false;
    return PUMP_WAIT;
}

enum pump_result pump_up(struct pump *p)
{
    enum pump_result result = pass_on_rest(p, &p->up, send_up);
    for (int i = 0; i < UP_PIECES && result == PUMP_MORE; i++)
        result = p->client_has_more ? take_from_client(p) : PUMP_WAIT;
    return result;
}

/* --- down --- */

/* What has been read before its end is known counts. An end with bytes of ours unread (ECONNRESET) is an
 * end like any other: the seat says what it means. */
static enum pump_result take_from_worker(struct pump *p)
{
    ssize_t n = recv(p->pair, down_buffer, sizeof down_buffer, MSG_DONTWAIT);
    if (n > 0) {
        p->worker_has_more = (size_t)n == sizeof down_buffer || p->worker_may_have_ended;
        return pass_on(p, &p->down, down_buffer, (size_t)n, send_down);
    }
    if (n < 0 && errno == EINTR)
        return PUMP_MORE;
    if (n == 0 || errno != EAGAIN)
        return PUMP_ENDED;
    p->worker_has_more = false;
    return PUMP_WAIT;
}

enum pump_result pump_down(struct pump *p)
{
    enum pump_result result = pass_on_rest(p, &p->down, send_down);
    for (int i = 0; i < DOWN_PIECES && result == PUMP_MORE; i++)
        result = p->worker_has_more ? take_from_worker(p) : PUMP_WAIT;
    return result;
}
