/*
 * schedule.h — how many requests are due by when: the open loop's plan, as a formula.
 *
 * A schedule is a row of stages, in each of which the rate is constant or changes evenly.  The number
 * of requests due by the moment t is the integral of the rate up to t; request number n (the first
 * is 0) is due at the last moment at which the integral is still n.  So nothing is stored per
 * request, and nothing is lost by a generator that falls behind.
 *
 * Moments are nanoseconds since the start of the schedule, rates are requests per second of all
 * threads together.  Everything but schedule_parse() is a pure function; any thread may call it.
 */
#ifndef LOADTEST_SCHEDULE_H
#define LOADTEST_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../complaint.h"

enum { MAX_STAGES = 64 };

struct schedule_stage {
    int64_t length_ns;
    double from, to; /* the rate when it begins, and when it ends */
};

struct schedule {
    struct schedule_stage stages[MAX_STAGES];
    size_t stage_count; /* 0: closed loop, nothing is due at any moment */
    bool poisson;       /* arrivals at random moments with this mean, instead of evenly spaced */
};

/* One stage without an end. */
void schedule_constant(struct schedule *s, double rate);
/* "10s@1000,20s@5000,5s@5000-0": LENGTH@RATE or LENGTH@FROM-TO, by commas. Sets the stages, and
 * leaves `poisson` alone. */
bool schedule_parse(const char *text, struct schedule *s, struct complaint *why);
static inline bool schedule_is_open(const struct schedule *s)
{
    return s->stage_count > 0;
}

/* The rate is not the same all the time; the lowest that it has. */
bool schedule_varies(const struct schedule *s);
double schedule_lowest_rate(const struct schedule *s);
/* The sum of all stages. */
int64_t schedule_length_ns(const struct schedule *s);
double schedule_mean_rate(const struct schedule *s);
/* The integral of the rate up to a moment. */
double schedule_due_by(const struct schedule *s, int64_t at_ns);
/* When request number `n` is due; it need not be a whole number. INT64_MAX: never. */
int64_t schedule_moment_ns(const struct schedule *s, double n);

#endif
