/*
 * histogram.c — the bucket of a time is the length of its number in bits.
 */
#include "histogram.h"

unsigned histogram_bucket(int64_t microseconds)
{
    if (microseconds <= 1 << HISTOGRAM_LEAST)
        return 0;
    unsigned bits = 64 - (unsigned)__builtin_clzll((unsigned long long)microseconds - 1);
    return bits > HISTOGRAM_MOST ? HISTOGRAM_BUCKETS - 1 : bits - HISTOGRAM_LEAST;
}

void histogram_add(struct histogram *h, int64_t microseconds)
{
    count_alone(&h->counts[histogram_bucket(microseconds)], 1);
    count_alone(&h->sum, microseconds > 0 ? (uint64_t)microseconds : 0);
}

void histogram_add_shared(struct histogram *h, int64_t microseconds)
{
    atomic_fetch_add(&h->counts[histogram_bucket(microseconds)], 1);
    atomic_fetch_add(&h->sum, microseconds > 0 ? (uint64_t)microseconds : 0);
}

void histogram_sum(struct histogram *sum, const struct histogram *one)
{
    count_alone(&sum->sum, atomic_load_explicit(&one->sum, memory_order_relaxed));
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        count_alone(&sum->counts[i], atomic_load_explicit(&one->counts[i], memory_order_relaxed));
}
