/*
 * keeper.h — looks after connections that no worker looks after: those past their deadline, those
 * whose owner died, those that were accepted and then forgotten; and ends the service in order.
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
#include "death.h"
#include "server.h"

enum { KEEPER_ORPHANS = 64, KEEPER_CORE = 1024 };

struct orphan {
    int fd;
    uint64_t cookie;
};

/* A request in its handler, as long as it is the same one. */
struct run {
    uint64_t serial;
    int64_t cpu;  /* ns its worker had used when the keeper first saw it run; -1: unknown */
    bool is_told; /* that its time is nearly over */
};

struct keeper {
    struct teller teller;
    int64_t looked_at;   /* monotonic ms: when all connections were last looked at */
    struct run *runs;    /* one per worker */
    int64_t drain_until; /* monotonic ms; 0: not draining */
    int open;            /* connections counted by the last sweep */
    int drift;           /* how far the board's count was off, then */
    /* The hunt for descriptors that a worker accepted and died before it had entered them. */
    bool is_hunting;
    bool hunt_again;
    size_t orphan_count;
    struct orphan orphans[KEEPER_ORPHANS];
    uint64_t *turns;           /* of each worker, when the hunt began; 0: it has passed */
    bool is_core[KEEPER_CORE]; /* descriptors that were open before the first worker */
};

/* Before the first worker starts. False: no memory. */
bool keeper_open(struct keeper *k, struct server *s);
void keeper_close(struct keeper *k);

/* One round: deadlines, hunt, drain. Call it every keeper_pause() ms at the latest. */
void keeper_tick(struct keeper *k);
int keeper_pause(const struct keeper *k);

/* A worker has died: what it owned is answered for, ended, or handed on. */
void keeper_bury(struct keeper *k, size_t slot_index, const struct death *d);

/* For a connection it has seized in phase RUN: the client gets 500 or 504 in the place of the
 * answer, the access log a line. */
void keeper_answer(struct keeper *k, struct conn *c, const struct worker_slot *slot,
                   const struct death *d);

/* No new connections from now on; the open ones end when their request is answered. */
void keeper_drain(struct keeper *k);
/* True when none is left, or --drain-timeout is over (then the rest is cut off, and logged). */
bool keeper_is_drained(const struct keeper *k);

#endif
