/*
 * stats.c — resample the numbers, see how far the resamples' middles stray, measured in their own
 * standard errors.
 *
 * Two decisions, both checked in test_stats.c and against real rounds (README, "compare"):
 *
 * The middle is a trimmed mean. A mean follows the one round in which a compiler ran beside it; a
 * median of twenty numbers hangs on two of them.
 *
 * The interval is studentised. The plain percentiles of resampled means are too narrow when there
 * are few numbers (of ten, an interval called 95 % holds about 90 %), because a resample has less
 * spread than what it was drawn from. Dividing by each resample's own standard error repairs that,
 * as Student's t repairs the normal distribution.
 */
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 10000, TRIM = 5 /* one part in so many is cut off at each end */ };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_median(const double *values, size_t count)
{
    double sorted[STATS_MAX];
    if (count == 0 || count > STATS_MAX)
        return 0;
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, ascending);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/* The trimmed mean of sorted numbers, and its standard error from their Winsorised variance, in
 * which what was cut off counts as if it were the nearest number that was not (Yuen 1974). */
static double trimmed_mean(const double *sorted, size_t count, double *error)
{
    size_t cut = count / TRIM, kept = count - 2 * cut;
    double low = sorted[cut], high = sorted[count - 1 - cut], inner = 0, squares = 0;
    for (size_t i = cut; i < count - cut; i++)
        inner += sorted[i];
    double winsorised = (inner + (double)cut * (low + high)) / (double)count;
    for (size_t i = cut; i < count - cut; i++)
        squares += (sorted[i] - winsorised) * (sorted[i] - winsorised);
    squares += (double)cut * ((low - winsorised) * (low - winsorised) +
                              (high - winsorised) * (high - winsorised));
    *error = sqrt(squares / ((double)kept * (double)(kept - 1)));
    return inner / (double)kept;
}

/* As many numbers, drawn with replacement, in order: counting is cheaper than sorting. */
static void resample(const double *sorted, size_t count, struct rng *rng, double *out)
{
    unsigned drawn[STATS_MAX];
    memset(drawn, 0, count * sizeof *drawn);
    for (size_t i = 0; i < count; i++)
        drawn[(size_t)(rng_unit(rng) * (double)count)]++;
    for (size_t i = 0; i < count; i++)
        for (; drawn[i] > 0; drawn[i]--)
            *out++ = sorted[i];
}

/* How many of its own standard errors a resample's middle is away from the middle of all. */
static double distance(const double *sorted, size_t count, double middle, struct rng *rng)
{
    double drawn[STATS_MAX], error;
    resample(sorted, count, rng, drawn);
    double off = fabs(trimmed_mean(drawn, count, &error) - middle);
    if (error > 0)
        return off / error;
    return off > 0 ? INFINITY : 0;
}

bool stats_interval(const double *values, size_t count, double confidence, struct rng *rng,
                    struct estimate *estimate)
{
    double sorted[STATS_MAX], distances[RESAMPLES], error;
    if (count < STATS_MIN || count > STATS_MAX)
        return false;
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, ascending);
    double middle = trimmed_mean(sorted, count, &error);
    for (size_t i = 0; i < RESAMPLES; i++)
        distances[i] = distance(sorted, count, middle, rng);
    qsort(distances, RESAMPLES, sizeof *distances, ascending);
    size_t rank = (size_t)ceil(confidence * RESAMPLES);
    double reach = error > 0 ? error * distances[rank < RESAMPLES ? rank - 1 : RESAMPLES - 1] : 0;
    *estimate = (struct estimate){middle, middle - reach, middle + reach};
    return true;
}
