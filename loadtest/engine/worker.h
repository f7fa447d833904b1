/*
 * worker.h — one sending thread of the engine. Included by engine.c and worker.c only.
 */
#ifndef LOADTEST_WORKER_H
#define LOADTEST_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "engine.h"
#include "mischief.h"
#include "pacer.h"

/* A place for a connection, and the queue it waits in. */
struct seat {
    struct client *client;
    bool ready;   /* in the ready queue: it has room, but nothing was due */
    bool resting; /* among those that wait for their back-off to end */
};

struct worker {
    /* Set by the engine before the thread starts, constant afterwards. */
    const struct engine_plan *plan;
    struct timeline *timeline;
    atomic_bool *stop;
    unsigned index;
    int64_t start_ns, measure_ns;

    struct client_crew crew;
    struct gang *gang; /* NULL when no fault is one of the wire */
    struct chooser chooser;
    struct pacer pacer;
    struct schedule warmup_schedule;
    bool open_loop;
    int64_t spin_ns; /* the last bit of a wait is spent awake; 0: not here */
    int64_t spun_ns; /* CPU time that went into that, in the measured run */
    struct seat *seats;
    unsigned seat_count;
    unsigned *ready; /* ring of seat numbers: the one longest free is fed first */
    unsigned ready_first, ready_count;
    int64_t ready_since_ns; /* since when the queue has not been empty */
    unsigned resting_count;
    uint64_t next_seq; /* of this thread: every `threads`th number is its own */
    uint64_t aboard;   /* flights not yet ended */

    bool measuring, draining;
    int64_t now_ns;
    int64_t end_ns;  /* of the measured run; moved forward when it is stopped */
    int64_t stop_ns; /* when it was over: what was due later does not count */
    int64_t sweep_ns;
    struct second second;
    struct tally *measured, *warmup;

    /* Valid when the thread has ended. */
    int64_t cpu_ns, wall_ns; /* used in the measured run, and its length as this thread saw it */
    int64_t last_done_ns;
    uint64_t backlog; /* the most that were due and not sent, at one moment of the measured run */
    bool failed;      /* out of memory or descriptors before the run */
};

/* Sets up everything that worker_main() needs but the fields above the first gap, which are set.
 * False when memory or descriptors run out. */
bool worker_prepare(struct worker *w);
void worker_release(struct worker *w);
/* The thread's life, from connecting to the last answer. */
void worker_run(struct worker *w);

#endif
