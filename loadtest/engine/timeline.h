/*
 * timeline.h — the run second by second, finer beside it, and when nobody was served at all.
 *
 * Each thread counts its current second on its own and publishes it when it is over, once a
 * second, under the one lock here. For every second there is a row: counts, p99, and one bit for
 * each 10 ms in which an innocent request succeeded. The number of rows is fixed; a run of more
 * than TIMELINE_ROWS seconds makes them coarser (2 s, 4 s, …) instead of more.
 *
 * A second is too coarse to see a server come back in milliseconds. So there are windows, too: 10 ms
 * each in the first 41 s, and twice as long whenever their number is used up. A whole histogram
 * would be too much for a window, so it has a coarse one, four classes to a doubling, which is
 * enough to tell whether more than one in a hundred was slower than some limit.
 */
#ifndef LOADTEST_TIMELINE_H
#define LOADTEST_TIMELINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hist.h"

enum { TIMELINE_ROWS = 4096, SERVED_BITS = 100, TIMELINE_WINDOWS = 4096, LATENCY_CLASSES = 80 };

struct timeline_row {
    uint64_t ok;          /* innocent requests answered well */
    uint64_t failed;      /* innocent requests that failed */
    uint64_t injected;    /* injected requests that ended, in whatever way */
    uint64_t tls_full;    /* TLS handshakes done: whole ones … */
    uint64_t tls_resumed; /* … and those that resumed a session */
    int64_t p50_us; /* corrected latency of the ok ones; of a coarsened row the worst second's */
    int64_t p99_us;
    int64_t max_us;
    uint64_t served[2]; /* bit i: somebody was served in part i of SERVED_BITS of this row */
};

struct window {
    uint32_t ok, failed;             /* innocent requests */
    uint32_t class[LATENCY_CLASSES]; /* of the ok ones, by corrected latency */
};

/* A thread's current second. */
struct second {
    int64_t index; /* seconds since the start of the run */
    int64_t ends_ns;
    struct timeline_row row;
    struct window windows[SERVED_BITS];
    struct hist hist;
};

struct pending;

struct timeline {
    pthread_mutex_t lock;
    int64_t start_ns;
    unsigned row_seconds; /* 1, or a power of two in a very long run */
    size_t count;         /* rows in use */
    struct timeline_row *rows;
    struct window *windows;
    int64_t window_ns;       /* 10 ms, or that times a power of two in a long run */
    struct pending *pending; /* the last few seconds, whose latencies are still being merged */
};

/* False when memory runs out. */
bool timeline_init(struct timeline *t, int64_t start_ns);
void timeline_free(struct timeline *t);

/* The calling thread's current second: starts one, counts into it, publishes it. */
void second_start(struct second *s, const struct timeline *t, int64_t now_ns);
void second_served(struct second *s, int64_t done_ns, int64_t latency_ns);
void second_failed(struct second *s, int64_t done_ns);
void timeline_publish(struct timeline *t, const struct second *s);

/* Copies the row of second `index` as far as it is known; any thread. */
void timeline_peek(struct timeline *t, int64_t index, struct timeline_row *row);
/* Moves the latencies of the earliest second before `before` whose row is not settled into `h`;
 * false when there is none. A second has been published by all threads soon after its end. Whatever
 * is not taken within a few seconds makes room for the next. Any thread; after timeline_finish(),
 * too. */
bool timeline_take(struct timeline *t, int64_t before, int64_t *index, struct hist *h);
/* To be called once, after the last publish: works out what is still pending. */
void timeline_finish(struct timeline *t);

/* The sum of windows `first` … `end` - 1; those beyond the last are empty. */
void timeline_sum(const struct timeline *t, int64_t first, int64_t end, struct window *sum);
/* How many of a window's ok answers took longer than `us`, which is rounded up to the next limit of
 * a class: by 19 % at most, or to 64 µs. */
uint64_t window_slower(const struct window *w, int64_t us);

/* Time within the first `length_ns` in which no innocent request succeeded. The run is cut into the
 * shortest pieces (10, 20, 50, 100, 200, 500 ms, 1 s) that should each see 20 successes at `rate`
 * per second, so that a slow server is not taken for a dead one; *resolution_ns is the piece's
 * length. */
int64_t timeline_without_service_ns(const struct timeline *t, int64_t length_ns, double rate,
                                    int64_t *resolution_ns);

#endif
