/*
 * keeper.h — looks after connections that no worker looks after: those past their deadline, those
 * whose owner died, those whose slot has been written into; and ends the service in order. What
 * else the workers share is looked after by sweep.h and guard.h.
 *
 * One per server, in whichever process shares the workers' descriptors and outlives them: the
 * supervisor of server-proc, the first thread of server-thread's process. It signs with
 * CONN_SUPERVISOR. It parses nothing, runs no handler, holds no lock and never waits for a client.
 */
#ifndef TANDEM_KEEPER_H
#define TANDEM_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "answer.h"
#include "census.h"
#include "death.h"
#include "drain.h"
#include "guard.h"
#include "server.h"
#include "sweep.h"

/* A request in its handler, as long as it is the same one. */
struct run {
    int64_t started; /* as on the board */
    int64_t cpu;     /* ns its worker had used when the keeper first saw it run; -1: unknown */
    bool is_told;    /* that its time is nearly over */
};

struct keeper {
    struct teller teller;
    int64_t looked_at;       /* monotonic ms: when all connections were last looked at */
    struct run *runs;        /* one per worker */
    enum drain_order drain;  /* as far as it is carried out */
    int64_t drain_until;     /* monotonic ms: what is left then is cut off; 0: not draining */
    int64_t left_at;         /* monotonic ms: since when no connection is kept */
    int highest;             /* number that ever was a connection, as far as it is known */
    int open;                /* connections counted at the last look */
    int open_by_tls;         /* … of which so many by TLS */
    int open_by_admin;       /* … and so many by --admin */
    uint64_t spooled;        /* bytes of bodies in descriptors, likewise */
    int64_t connections_off; /* what the board says of the two, less what was counted, then */
    int64_t spooled_off;
    uint64_t unsound; /* slots, as far as they have been seen to */
    struct census census;
    struct sweep sweep;
    struct guard guard;
};

/* Before the first worker starts. False: no memory. */
bool keeper_open(struct keeper *k, struct server *s);
void keeper_close(struct keeper *k);

/* The modules have been opened, and no worker lives: what they have open stays open. Without it,
 * nothing is swept. */
void keeper_learn_modules(struct keeper *k);
/* No process lives that has the modules or runs requests: what they had open is closed. */
void keeper_forget_modules(struct keeper *k);

/* One round: deadlines, counts, what has been closed or left open by others, drain. Call it every
 * keeper_pause() ms at the latest. */
void keeper_tick(struct keeper *k);
int keeper_pause(const struct keeper *k);

/* A worker has died: what it owned is answered for, ended, or handed on. */
void keeper_bury(struct keeper *k, size_t slot_index, const struct death *d);

/* For s->overdue, which comes with a word in phase RUN or SEND: takes the connection from whoever runs its
 * request. False: that has come to its end by itself. */
bool keeper_seize(struct conn *c, uint64_t word);
/* What becomes of one that has been seized so, with the same word: its client gets 503 or 504 in the place
 * of the answer; a reset, where half of it is out, and then its number is closed by the sweep, when nobody
 * uses it any more. The access log gets a line. */
void keeper_end_seized(struct keeper *k, struct conn *c, uint64_t word,
                       const struct worker_slot *slot, const struct death *d);

/* Carries out what is in order (drain.h); called as often as one likes. From LEAVE and REPLACED on, the
 * public listeners of s->listeners are closed, from REPLACED on that of --admin, too; NOW asks for nothing
 * more. --drain-timeout begins with the first order. */
void keeper_drain(struct keeper *k, enum drain_order order);
/* True when it is to leave and no connection is left but those by --admin, or when --drain-timeout is over
 * (then the rest is cut off, and logged). */
bool keeper_is_drained(const struct keeper *k);

#endif
