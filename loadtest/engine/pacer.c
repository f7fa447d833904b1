/*
 * pacer.c — a schedule that is a formula needs no queue, however far the server falls behind.
 */
#include "pacer.h"

#include <math.h>
#include <string.h>

#include "../units.h"

enum {
    ARRIVALS_STREAM = 1000, /* of the seed; lower ones are the choosers' */
    GRAINS = 1024,
    RANDOM_STEPS = 1000
};

void pacer_init(struct pacer *p, const struct schedule *schedule, unsigned threads, unsigned thread,
                uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->schedule = schedule;
    p->threads = threads;
    p->thread = thread;
    rng_seed(&p->rng, seed, ARRIVALS_STREAM + thread);
}

/* A step of mean `threads`. */
static double random_step(struct pacer *p)
{
    return -log(1 - rng_unit(&p->rng)) * p->threads;
}

/* Finds the moment for the next request. Even spacing is computed from its number, not from the one
 * before, so that rounding does not add up. */
static void plan_next(struct pacer *p)
{
    if (p->schedule->poisson)
        p->position += random_step(p);
    else
        p->position = (double)p->taken * p->threads + p->thread;
    int64_t moment = schedule_moment_ns(p->schedule, p->position);
    p->due_ns = moment < INT64_MAX - p->start_ns ? p->start_ns + moment : INT64_MAX;
}

void pacer_open(struct pacer *p, int64_t start_ns, int64_t end_ns, uint64_t quota)
{
    p->start_ns = start_ns;
    p->end_ns = end_ns;
    p->quota = quota;
    p->taken = 0;
    p->position = 0;
    if (schedule_is_open(p->schedule))
        plan_next(p);
}

int64_t pacer_next_ns(const struct pacer *p, int64_t now_ns)
{
    if (p->taken >= p->quota)
        return INT64_MAX;
    int64_t due =
        schedule_is_open(p->schedule) ? p->due_ns : (now_ns > p->start_ns ? now_ns : p->start_ns);
    return due < p->end_ns ? due : INT64_MAX;
}

bool pacer_take(struct pacer *p, int64_t now_ns, int64_t *due_ns)
{
    int64_t due = pacer_next_ns(p, now_ns);
    if (due > now_ns || now_ns >= p->end_ns)
        return false;
    *due_ns = due;
    p->taken++;
    if (schedule_is_open(p->schedule))
        plan_next(p);
    return true;
}

uint64_t pacer_backlog(const struct pacer *p, int64_t now_ns)
{
    if (!schedule_is_open(p->schedule) || pacer_next_ns(p, now_ns) > now_ns)
        return 0;
    double due = schedule_due_by(p->schedule, now_ns - p->start_ns) - p->position;
    uint64_t behind = due > 0 ? (uint64_t)(due / p->threads) : 0;
    return 1 + (behind < p->quota - p->taken ? behind : p->quota - p->taken - 1);
}

/* How many requests from the next one on are due so close to one another that it makes no difference:
 * within a microsecond, or a thousandth of the time they have waited, as exactly as a histogram knows
 * it. Random steps are taken one by one, unless there are so many that their mean will do. */
static uint64_t due_together(const struct pacer *p, int64_t stop_ns)
{
    int64_t grain = (stop_ns - p->due_ns) / GRAINS;
    int64_t until = p->due_ns + (grain > NS_PER_US ? grain : NS_PER_US);
    if (until > stop_ns)
        until = stop_ns;
    double steps =
        (schedule_due_by(p->schedule, until - p->start_ns) - p->position) / (double)p->threads;
    uint64_t n = steps < 1 || (p->schedule->poisson && steps < RANDOM_STEPS) ? 1 : (uint64_t)steps;
    return n < p->quota - p->taken ? n : p->quota - p->taken;
}

uint64_t pacer_close(struct pacer *p, int64_t stop_ns,
                     void (*left)(void *context, int64_t due_ns, uint64_t n), void *context)
{
    uint64_t sent = p->taken;
    if (!schedule_is_open(p->schedule)) /* it plans ahead only when it has a number to reach */
        return p->quota != UINT64_MAX ? p->quota - sent : 0;
    if (stop_ns > p->end_ns)
        stop_ns = p->end_ns;
    while (p->taken < p->quota && p->due_ns < stop_ns) {
        uint64_t n = due_together(p, stop_ns);
        left(context, p->due_ns, n);
        p->taken += n;
        p->position += (double)(n - 1) * p->threads;
        plan_next(p);
    }
    return p->taken - sent;
}
