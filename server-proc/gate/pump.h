/*
 * pump.h — the bytes of one connection, both ways: sealed on the client's side, plain on the workers'.
 *
 *      client ══ socket ══ tls ══▶ up ───▶ pair ══ worker
 *                              ◀── down ──
 *
 * Neither way is more taken in than the other side takes. What was taken and is not accepted at once is
 * kept (a rest), and nothing more is taken as long as there is one; so TCP tells the client to wait,
 * and the pair the worker. Memory for a rest is had only while there is one: an idle connection has
 * none.
 *
 * Both sockets are watched edge-triggered: an event is told by pump_client and pump_worker, then both
 * ways are gone as far as they go. One call moves a bounded number of bytes, so that one connection
 * keeps no other waiting.
 *
 * For one thread; the buffers in between are shared by all pumps of the process.
 */
#ifndef SERVER_PROC_GATE_PUMP_H
#define SERVER_PROC_GATE_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/tls/session.h"

struct rest {
    char *bytes; /* NULL: none */
    size_t at, end;
};

struct pump {
    struct tls_session *tls; /* not the pump's own, nor are the sockets */
    int pair;                /* this end of it */
    bool client_has_more;    /* as far as is known */
    bool worker_has_more;
    bool worker_may_have_ended; /* behind what it has sent */
    bool is_unheard;            /* what the client sends nobody takes any more */
    struct rest up, down;
};

enum pump_result {
    PUMP_WAIT,  /* for an event */
    PUMP_MORE,  /* it has had its share: call again, after others */
    PUMP_ENDED, /* nothing more will come from that side, and all that came is passed on */
    PUMP_BROKEN /* the client is gone, or does not speak TLS any more */
};

void pump_open(struct pump *p, struct tls_session *tls, int pair);
/* Frees what is kept. */
void pump_close(struct pump *p);

/* An event has come for the client's socket, or for the pair. `has_ended`: with EPOLLRDHUP, EPOLLHUP or
 * EPOLLERR. */
void pump_client(struct pump *p, bool has_ended);
void pump_worker(struct pump *p, bool has_ended);

/* Client to worker; worker to client. Not again after PUMP_ENDED or PUMP_BROKEN. */
enum pump_result pump_up(struct pump *p);
enum pump_result pump_down(struct pump *p);

/* Something waits until that side has room: EPOLLOUT will tell. */
bool pump_waits_for_worker(const struct pump *p);
bool pump_waits_for_client(const struct pump *p);

#endif
