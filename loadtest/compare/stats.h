/*
 * stats.h — the middle of a few noisy numbers, and how far it can be trusted.
 *
 * Made for `compare`: some ten to some hundred differences, each of them one round's, most of them
 * alike and a few far off, because somebody else had the machine just then. Pure functions; any
 * thread; nothing is kept.
 */
#ifndef LOADTEST_STATS_H
#define LOADTEST_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "../target/rng.h"

enum { STATS_MIN = 6, STATS_MAX = 1000 }; /* numbers that an interval can be made of */

struct estimate {
    double middle;    /* mean of the middle three fifths: a fifth is cut off at each end */
    double low, high; /* holds the true middle with the confidence asked for; ±INFINITY when the
                         numbers do not allow to say */
};

/* The median; 0 of no numbers. At most STATS_MAX. */
double stats_median(const double *values, size_t count);

/* A bootstrap interval (studentised, symmetric: Efron and Tibshirani 1993, ch. 12; with a trimmed
 * mean: Wilcox, Introduction to Robust Estimation, ch. 4) at `confidence`, 0 … 1. `rng` decides
 * the resamples, so a seed decides the interval. False when there are fewer than STATS_MIN or more
 * than STATS_MAX numbers. */
bool stats_interval(const double *values, size_t count, double confidence, struct rng *rng,
                    struct estimate *estimate);

#endif
