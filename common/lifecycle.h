/*
 * lifecycle.h — a connection from accept to close: watched by epoll, let go, ended.
 *
 * For the owner of the connection (a worker, or the keeper as CONN_SUPERVISOR), except
 * conn_nudge and conn_watch_again, which are for a supervisor that has lost a worker.
 */
#ifndef TANDEM_LIFECYCLE_H
#define TANDEM_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "server.h"

enum conn_end {
    END_CLOSE, /* FIN: all that was promised has been sent */
    END_RESET  /* RST: something is missing, and the client must be able to tell */
};

/* Ends it: body, outbox, spool budget and descriptor are given back. One destructor for all, safe
 * at any stage; `why` goes to the debug log. */
void conn_finish(struct server *s, struct conn *c, unsigned me, enum conn_end how, const char *why);
/* Which end conn_finish was to give this socket, when whoever called it has died in it, in phase
 * CLOSING. */
enum conn_end conn_promised_end(int fd);

/* The same for a connection whose number is not its socket's any more: closes all but that. */
void conn_forget(struct server *s, struct conn *c, unsigned me, const char *why);
/* For a slot in which nothing is to be believed: its client gets RST, and no descriptor that it
 * names is closed. Its own number stays open until it is swept (sweep.h) or replaced. */
void conn_cast_off(struct server *s, struct conn *c, unsigned me);
/* The same for one that does not bear its seal: it is counted, and logged. */
void conn_condemn(struct server *s, struct conn *c, unsigned me);

/* Has epoll watch it (for room to write, too, when `for_output`) from now on. */
bool conn_watch(struct server *s, struct conn *c, bool for_output);

/* Makes an event for it whether or not one was lost: asks epoll again if nobody owns it, leaves a
 * note if somebody does. */
void conn_nudge(struct server *s, struct conn *c);

/* The same for an epoll that may not know it yet. */
void conn_watch_again(struct server *s, struct conn *c);

/* Lets go of it and makes an event for it: whoever is next looks at it, its outbox and its
 * stash. */
void conn_hand_on(struct server *s, struct conn *c, unsigned me);

/* Waits for `wait` until then (monotonic ms); called before a connection is let go. */
void conn_wait_until(struct conn *c, enum conn_wait wait, int64_t deadline);
/* The same for so many ms from now on. */
void conn_wait_for(struct conn *c, enum conn_wait wait, int64_t timeout);

/* Whole requests lie in its stash, and an event is on its way: no client can be late. */
void conn_wait_for_us(struct conn *c);
/* The same for an answer the socket takes no more of now; the deadline is --write-timeout. */
void conn_wait_for_room(struct server *s, struct conn *c);
/* True when the client has taken something since then, though not enough to make an event. */
bool conn_has_moved(struct server *s, struct conn *c);

/* Closes the spooled body. Its share of the budget is given back when the answer is out: a handler
 * may have made the same memory its answer. */
void conn_close_body(struct conn *c);
void conn_return_spool(struct server *s, struct conn *c);

#endif
