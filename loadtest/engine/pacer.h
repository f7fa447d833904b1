/*
 * pacer.h — when to send: as soon as a connection is free, or at moments fixed beforehand.
 *
 *   closed loop   a request is due when there is a connection for it
 *   open loop     request number k of thread t is request number k × threads + t of the schedule, and
 *                 due when the schedule says so, whether or not the server keeps up; what is overdue
 *                 waits here, as plain arithmetic
 *   Poisson       the same, but each thread walks along the schedule in random steps (exponential,
 *                 with the mean `threads`); together the threads make a Poisson process with the
 *                 schedule's rate (superposition; a rate that changes, by the change of time scale:
 *                 Devroye, Non-Uniform Random Variate Generation, 1986, ch. VI)
 *
 * A pacer covers one window of time (the warm-up, or the measured run). It belongs to one thread.
 */
#ifndef LOADTEST_PACER_H
#define LOADTEST_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "../target/rng.h"
#include "schedule.h"

struct pacer {
    const struct schedule *schedule;
    unsigned threads, thread;
    struct rng rng;
    int64_t start_ns;
    int64_t end_ns;  /* nothing is due at this moment or later; INT64_MAX: no such end */
    double position; /* open loop: the next request's number in the schedule */
    int64_t due_ns;  /* and when it is due */
    uint64_t quota;  /* requests at most; UINT64_MAX: no limit */
    uint64_t taken;
};

/* The pacer of one `thread` among `threads`, for the window from `start_ns` to `end_ns` and at most
 * `quota` requests. The schedule, which is read from its beginning, must outlive it; `seed` is for
 * Poisson arrivals. */
void pacer_init(struct pacer *p, const struct schedule *schedule, unsigned threads, unsigned thread,
                uint64_t seed);
void pacer_open(struct pacer *p, int64_t start_ns, int64_t end_ns, uint64_t quota);
/* Takes the next request, if one is due at `now_ns`: *due_ns is the moment from which its corrected
 * latency counts. */
bool pacer_take(struct pacer *p, int64_t now_ns, int64_t *due_ns);
/* When the next request will be due (may be in the past); INT64_MAX: there is none to wait for. */
int64_t pacer_next_ns(const struct pacer *p, int64_t now_ns);
/* Open loop: how many requests of this thread are due at `now_ns` and have not been taken (with
 * Poisson arrivals, their expected number). */
uint64_t pacer_backlog(const struct pacer *p, int64_t now_ns);
/* Takes what was due before `stop_ns`, the moment the run ended, and was never sent: returns how many
 * there were, and (open loop) calls `left` with the moment each was due; those that had waited for
 * the same time, to a thousandth, are told of together, so that a hopeless rate costs no time. */
uint64_t pacer_close(struct pacer *p, int64_t stop_ns,
                     void (*left)(void *context, int64_t due_ns, uint64_t n), void *context);

#endif
