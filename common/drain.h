/*
 * drain.h — the end of a server, in order: whoever sends requests here is told first, and loses none.
 *
 *                TERM                  --drain-delay is over          all are gone, or --drain-timeout
 *      NOT ───────────────▶ ANNOUNCE ──────────────────────▶ LEAVE ─────────────────────────────▶ end
 *       │                      │  TERM again                   │  TERM again                      ▲
 *       │                      └───────────────────▶ NOW ◀─────┴───────────────────▶ at once ─────┤
 *       └── another generation serves on the same listeners ──▶ REPLACED ────────────────────────┘
 *
 *      ANNOUNCE   /readyz says 503, so that load balancers look elsewhere; all else goes on
 *      LEAVE      each answer says Connection: close. Nobody new gets in: who has connected is let in, then
 *                 the listeners close, except that of --admin, which tells of the rest. Requests are
 *                 finished; of a connection that is idle the next one may be on its way, so it is not
 *                 closed at once, but when it has been answered, or LIMIT_DRAIN_IDLE_TIME is over
 *      REPLACED   the same, but the listeners are the others' now: they are left as they are, with what
 *                 waits in them, and --admin with them, so that its address tells of the others
 *      NOW        nothing is waited for
 *
 * The supervisor decides (struct drain), whoever shares the workers' descriptors carries it out
 * (keeper_drain): in server-proc that is one process, in server-thread the order goes by the board.
 */
#ifndef TANDEM_DRAIN_H
#define TANDEM_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

struct server;

/* None is ever taken back, and a later one replaces an earlier one. */
enum drain_order { DRAIN_NOT, DRAIN_ANNOUNCE, DRAIN_LEAVE, DRAIN_REPLACED, DRAIN_NOW };

struct drain {
    enum drain_order order;
    int stops;        /* TERM and INT so far */
    int64_t leave_at; /* monotonic ms, in ANNOUNCE */
};

/* For the supervisor, once a round: `came` is a set of signals (signals.h), `now` monotonic ms, `delay`
 * that of --drain-delay in ms. Returns what is in order now. */
enum drain_order drain_take(struct drain *d, unsigned came, int64_t now, int64_t delay);
/* How long the supervisor may wait, in ms, if it would wait for `pause`. */
int drain_pause(const struct drain *d, int64_t now, int pause);

/* From now on nobody begins to connect; who has connected waits to be let in. By whoever made the
 * listeners, on LEAVE, before the first copy of them is closed. */
void drain_shut_out(struct server *s);
/* In the workers' place, and with the epoll: those who have connected are let in. */
void drain_let_in(struct server *s);
/* On REPLACED: closing the listeners removes no file. */
void drain_disown(struct server *s);

#endif
