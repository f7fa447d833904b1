/*
 * measure.c — start all hosts of a group, find out how much a round is, then go round.
 */
#include "measure.h"

#include <assert.h>
#include <stdlib.h>

#include "../units.h"
#include "host.h"

const struct plan full_plan = {
    .rounds = ROUNDS_MAX, .round_ns = 20 * NS_PER_MS, .group_ns = 7 * NS_PER_S, .heavy = true};
const struct plan quick_plan = {
    .rounds = 3, .round_ns = 2 * NS_PER_MS, .group_ns = 7 * NS_PER_S, .heavy = false};

struct series {
    double values[ROUNDS_MAX], others[ROUNDS_MAX]; /* will be sorted */
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, unsigned n, double q)
{
    double at = q * (n - 1);
    unsigned below = (unsigned)at;
    unsigned above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

struct quartiles quartiles_of(double *values, unsigned n)
{
    qsort(values, n, sizeof values[0], compare);
    return (struct quartiles){.low = quantile(values, n, 0.25),
                              .median = quantile(values, n, 0.5),
                              .high = quantile(values, n, 0.75)};
}

/* The warm-up: batches that grow until one is long enough to tell how many make a round. By CPU time:
 * elapsed time may be long because another program had the CPU. And twice: the first one of its length may
 * have met cold caches. */
static bool calibrate(struct host *h, const struct plan *plan, struct figure *f)
{
    struct lap lap = {0};
    uint64_t count = 1;
    for (int enough = 0; enough < 2;) {
        if (!host_run(h, count, &lap, &f->skipped))
            return false;
        enough = lap.cpu_ns >= plan->round_ns / 4 ? enough + 1 : 0;
        if (enough == 0)
            count *= 2;
    }
    double each = (double)lap.cpu_ns / (double)lap.done;
    f->each = (uint64_t)((double)plan->round_ns / each);
    if (f->each == 0)
        f->each = 1;
    return true;
}

#ifndef __has_feature
#define __has_feature(name) 0 /* gcc */
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static void prepare(const struct group *group, const struct plan *plan, struct host *h,
                    struct figure *f)
{
    f->each = 1;
    if (sanitized && group->barred)
        complain(&f->skipped, "%s", group->barred);
    else if (f->line->heavy && !plan->heavy)
        complain(&f->skipped, "--quick leaves it out");
    else
        f->measured = host_start(h, f->line, &f->skipped) &&
                      (group->measure == MEMORY || calibrate(h, plan, f));
    if (!f->measured)
        host_end(h);
}

/* What its group is compared by. */
static double compared(enum measure measure, const struct lap *lap)
{
    if (measure == MEMORY)
        return lap->bytes;
    return (double)(measure == CPU_TIME ? lap->cpu_ns : lap->wall_ns) / (double)lap->done;
}

static double other(enum measure measure, const struct lap *lap)
{
    if (measure == MEMORY)
        return -1;
    return (double)(measure == CPU_TIME ? lap->wall_ns : lap->cpu_ns) / (double)lap->done;
}

static void go_once(const struct group *group, struct host *h, struct figure *f, struct series *s)
{
    struct lap lap = {0};
    f->measured = host_run(h, f->each, &lap, &f->skipped);
    if (!f->measured) {
        host_end(h); /* at once: one that hangs may still take the others' CPU */
        return;
    }
    f->by_round[f->rounds] = s->values[f->rounds] = compared(group->measure, &lap);
    s->others[f->rounds] = other(group->measure, &lap);
    f->done += lap.done;
    f->lost += lap.lost;
    f->rounds++;
}

/* In turns. At least three rounds, then as many as there is time for before `deadline`. */
static void go_round(const struct group *group, unsigned rounds, int64_t deadline,
                     struct host *hosts, struct figure *figures, struct series *series)
{
    for (unsigned round = 0; round < rounds; round++) {
        if (round >= 3 && now_ns() > deadline)
            return;
        for (size_t i = 0; i < group->count; i++)
            if (figures[i].measured)
                go_once(group, &hosts[i], &figures[i], &series[i]);
    }
}

void measure_group(const struct group *group, const struct plan *plan, struct findings *f)
{
    struct host hosts[LINES_MAX];
    struct series series[LINES_MAX];
    int64_t deadline = now_ns() + plan->group_ns;
    assert(group->count <= LINES_MAX && plan->rounds <= ROUNDS_MAX);
    *f = (struct findings){.group = group};
    for (size_t i = 0; i < group->count; i++) {
        hosts[i] = (struct host){.fd = -1};
        f->figures[i].line = &group->lines[i];
        prepare(group, plan, &hosts[i], &f->figures[i]);
    }
    go_round(group, plan->rounds, deadline, hosts, f->figures, series);
    for (size_t i = 0; i < group->count; i++) {
        struct figure *figure = &f->figures[i];
        host_end(&hosts[i]);
        if (!figure->measured)
            continue;
        figure->value = quartiles_of(series[i].values, figure->rounds);
        figure->other_ns = quartiles_of(series[i].others, figure->rounds).median;
    }
}
