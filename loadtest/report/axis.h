/*
 * axis.h — where an axis begins and ends, and which round numbers stand at it.
 *
 * Pure functions of their arguments; any thread.
 */
#ifndef LOADTEST_AXIS_H
#define LOADTEST_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum { AXIS_TICKS = 16, AXIS_LABEL = 24 };

struct axis {
    double from, to; /* from < to; above zero when logarithmic */
    bool log;
    struct {
        double at;
        char label[AXIS_LABEL];
    } ticks[AXIS_TICKS];
    size_t count;
};

/* Counts from 0 to `most` or a little more: 0, 20k, 40k …; at most `ticks` steps. */
void axis_counts(struct axis *a, double most, unsigned ticks);
/* Seconds from 0 to exactly `length`: 0 s, 2 s …, or minutes in a longer run. */
void axis_seconds(struct axis *a, double length, unsigned ticks);
/* Latencies on a logarithmic scale, whole steps of 1-2-5 around `least` … `most` (µs): 500 µs,
 * 1 ms …; what is below 1 µs counts as that. */
void axis_latency(struct axis *a, double least, double most);
/* Ratios on a logarithmic scale that holds 1, around `least` … `most` (above zero), and at least one
 * per cent to either side: 0.95, 1, 1.05 …, or 0.5, 1, 2, 5 … when they lie far apart. */
void axis_ratios(struct axis *a, double least, double most);
/* Shares on the scale of HdrHistogram's plots, 1 / (1 - share): 0 %, 50 %, 90 %, 99 % … up to
 * where the last of `total` values stands. */
void axis_percentiles(struct axis *a, double total);

#endif
