/*
 * hist.h — a latency histogram with a fixed size: 3 significant digits from 1 µs to 1 h.
 *
 * Log-linear, as HdrHistogram: each power of two is cut into 1,024 equal slots, so a value is
 * known to better than 0.1 %. Adding costs a shift and an increment; nothing is allocated, so
 * memory does not grow with the length of a run. A histogram is owned by one thread until it is
 * merged; there is no lock in it.
 */
#ifndef LOADTEST_HIST_H
#define LOADTEST_HIST_H

#include <stdbool.h>
#include <stdint.h>

enum { HIST_SLOTS = 23552 };            /* 2,048 + 21 × 1,024: up to 2^32 µs */
#define HIST_MAX_US INT64_C(3600000000) /* longer ones are counted as one hour */

struct hist {
    uint64_t total;  /* values added */
    uint64_t sum_us; /* of the values, for the mean */
    int64_t max_us;  /* exact */
    uint64_t count[HIST_SLOTS];
};

void hist_clear(struct hist *h);
/* Adds a latency given in nanoseconds (rounded to µs; below zero counts as zero). */
void hist_add_ns(struct hist *h, int64_t ns);
void hist_add_us(struct hist *h, int64_t us);
/* Adds `n` values of which only this is known: they lie from `low_us` to `high_us`. They are counted
 * at the upper end, as quantiles are, and enter the mean with the middle, as in HdrHistogram. False,
 * and nothing is changed, when the sums would overflow. */
bool hist_add_range(struct hist *h, int64_t low_us, int64_t high_us, uint64_t n);
/* Adds everything in `from`. */
void hist_merge(struct hist *into, const struct hist *from);
/* The latency in µs that the share `q` (0 … 1) of all values does not exceed; 0 when empty. */
int64_t hist_quantile_us(const struct hist *h, double q);
/* The same to a fraction of a slot, as if the values in a slot lay evenly spread, so that two
 * quantiles can differ by less than the microsecond they are stored in. */
double hist_quantile_fine_us(const struct hist *h, double q);
double hist_mean_us(const struct hist *h);
/* The slot that counts `us` (0 … HIST_MAX_US), and what a slot counts; for whoever stores them. */
unsigned hist_slot_of(int64_t us);
int64_t hist_slot_lowest_us(unsigned slot);
int64_t hist_slot_highest_us(unsigned slot);
/* How many values lie above `us`, up to the histogram's resolution. */
uint64_t hist_count_above(const struct hist *h, int64_t us);
/* By how much those above `us` exceed `base_us`, all together; µs. */
double hist_excess_us(const struct hist *h, int64_t us, int64_t base_us);

#endif
