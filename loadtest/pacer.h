/*
 * pacer.h — when to send: as soon as a connection is free, or at moments fixed beforehand.
 *
 *   closed loop   a request is due when there is a connection for it
 *   open loop     request number k of thread t is due at start + (k × threads + t) / rate, whether
 *                 or not the server keeps up; what is overdue waits here, as plain arithmetic
 *
 * A pacer covers one window of time (the warm-up, or the measured run). It belongs to one thread.
 */
#ifndef LOADTEST_PACER_H
#define LOADTEST_PACER_H

#include <stdbool.h>
#include <stdint.h>

struct pacer {
    int64_t start_ns;
    int64_t end_ns;     /* nothing is due at this moment or later; INT64_MAX: no such end */
    double interval_ns; /* between two requests of this thread; 0: closed loop */
    double offset_ns;   /* of the thread's first request */
    uint64_t quota;     /* requests at most; UINT64_MAX: no limit */
    uint64_t taken;
};

/* `rate` per second over all `threads`, 0 for the closed loop; this is the pacer of one
 * `thread`. */
void pacer_init(struct pacer *p, int64_t start_ns, int64_t end_ns, double rate, unsigned threads,
                unsigned thread, uint64_t quota);
/* Takes the next request, if one is due at `now_ns`: *due_ns is the moment from which its corrected
 * latency counts. */
bool pacer_take(struct pacer *p, int64_t now_ns, int64_t *due_ns);
/* When the next request will be due (may be in the past); INT64_MAX: there is none to wait for. */
int64_t pacer_next_ns(const struct pacer *p, int64_t now_ns);
/* All that should have been sent by `stop_ns`, the moment the run ended. */
uint64_t pacer_scheduled(const struct pacer *p, int64_t stop_ns);
/* When request number `k` of this thread is due (open loop). */
int64_t pacer_due_ns(const struct pacer *p, uint64_t k);

#endif
