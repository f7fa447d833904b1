/*
 * engine.h — sending: threads that keep connections busy, and nothing else.
 *
 * The engine knows shots (what to send, from the target's chooser), the pacer (when), and tallies
 * (where samples go). It knows nothing of faults, reports or expectations.
 *
 *   thread 0 … T-1:  epoll ─▶ client (answer) ─▶ tally      each thread owns its epoll, clients,
 *                      ▲                                    chooser, pacer and tallies; they share
 *                      └── client ◀─ chooser ◀─ pacer       only the timeline, once a second
 */
#ifndef LOADTEST_ENGINE_H
#define LOADTEST_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "../complaint.h"
#include "../target/target.h"
#include "schedule.h"
#include "tally.h"
#include "timeline.h"

struct engine_plan {
    const struct target *target;
    struct tls_context *tls; /* NULL when no URL needs it; the caller's */
    unsigned connections;
    unsigned threads;
    unsigned depth;      /* requests in flight on each connection */
    bool reuse;          /* keep connections between requests */
    int64_t timeout_ns;  /* of a request */
    int64_t warmup_ns;   /* before the measured run; 0: none */
    int64_t duration_ns; /* of the measured run; INT64_MAX: until `requests` are done */
    uint64_t requests;   /* UINT64_MAX: until `duration_ns` is over */
    /* Of the measured run; the warm-up has the mean rate of its first stage. */
    struct schedule schedule;
    uint64_t seed;
};

/* What only the engine can know about the measured run. */
struct engine_facts {
    double seconds;     /* its length */
    double cpu_percent; /* of the busiest thread, without being awake for the next moment */
    double cpu_seconds; /* of all threads */
    uint64_t backlog;   /* open loop: the most that were due and waited for a free connection */
    bool stopped_early;
};

struct engine;

/* Starts the threads; `timeline` is initialised here, for the measured run, and must outlive the
 * engine. The plan and its target must, too. NULL, with the reason in `why`, on failure. */
struct engine *engine_start(const struct engine_plan *plan, struct timeline *timeline,
                            struct complaint *why);
/* When the measured run begins (monotonic); before that is connecting and warm-up. */
int64_t engine_measure_ns(const struct engine *e);
/* Waits until the run is over (true) or the moment `until_ns` (false). */
bool engine_wait(struct engine *e, int64_t until_ns);
/* Ends the run as soon as what is in flight has landed. Any thread. */
void engine_stop(struct engine *e);
/* Joins the threads, adds their tallies to `measured` and `warmup`, and frees the engine. */
void engine_finish(struct engine *e, struct tally *measured, struct tally *warmup,
                   struct engine_facts *facts);

#endif
