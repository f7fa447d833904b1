/*
 * pacer.c — a schedule that is a formula needs no queue, however far the server falls behind.
 */
#include "pacer.h"

#include <math.h>
#include <string.h>

enum { ARRIVALS_STREAM = 1000 }; /* of the seed; lower ones are the choosers' */

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

uint64_t pacer_close(struct pacer *p, int64_t stop_ns, void (*left)(void *context, int64_t due_ns),
                     void *context)
{
    uint64_t sent = p->taken;
    int64_t due;
    if (!schedule_is_open(p->schedule)) /* it plans ahead only when it has a number to reach */
        return p->quota != UINT64_MAX ? p->quota - sent : 0;
    if (stop_ns > p->end_ns)
        stop_ns = p->end_ns;
    while (pacer_take(p, stop_ns - 1, &due))
        left(context, due);
    return p->taken - sent;
}
