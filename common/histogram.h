/*
 * histogram.h — how long things took, by powers of two: 32 µs, 64 µs, … 33.6 s, longer.
 *
 * Most have one writer, so that adding is a load and a store, without a lock and without a locked
 * instruction; anybody may read meanwhile. In memory that others can write to: a reader gets
 * numbers, and nothing more than numbers can be wrong.
 */
#ifndef TANDEM_HISTOGRAM_H
#define TANDEM_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    HISTOGRAM_LEAST = 5, /* the first bucket: up to 2^5 µs */
    HISTOGRAM_MOST = 25, /* the last that has an end: up to 2^25 µs */
    HISTOGRAM_BUCKETS = HISTOGRAM_MOST - HISTOGRAM_LEAST + 2
};

struct histogram {
    _Atomic uint64_t sum;                       /* µs */
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS]; /* each without those before it */
};

/* For what has one writer: adds without a locked instruction. */
static inline void count_alone(_Atomic uint64_t *n, uint64_t more)
{
    uint64_t now = atomic_load_explicit(n, memory_order_relaxed);
    atomic_store_explicit(n, now + more, memory_order_relaxed);
}

/* The bucket of a time in µs; the first for one that is negative. */
unsigned histogram_bucket(int64_t microseconds);
/* One more, of so many µs. By its writer alone. */
void histogram_add(struct histogram *h, int64_t microseconds);
/* The same by one of several writers: dearer, and whoever is stopped in the middle of it takes back
 * nothing of what the others have added. */
void histogram_add_shared(struct histogram *h, int64_t microseconds);
/* Adds all of `one` to `*sum`, which is the caller's own. */
void histogram_sum(struct histogram *sum, const struct histogram *one);

#endif
