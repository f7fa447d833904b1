/*
 * pacer.c — a schedule that is a formula needs no queue, however far the server falls behind.
 */
#include "pacer.h"

#include <math.h>
#include <string.h>

void pacer_init(struct pacer *p, int64_t start_ns, int64_t end_ns, double rate, unsigned threads,
                unsigned thread, uint64_t quota)
{
    memset(p, 0, sizeof *p);
    p->start_ns = start_ns;
    p->end_ns = end_ns;
    p->quota = quota;
    if (rate > 0) {
        p->interval_ns = 1e9 * threads / rate;
        p->offset_ns = 1e9 * thread / rate;
    }
}

int64_t pacer_due_ns(const struct pacer *p, uint64_t k)
{
    return p->start_ns + (int64_t)(p->offset_ns + (double)k * p->interval_ns);
}

int64_t pacer_next_ns(const struct pacer *p, int64_t now_ns)
{
    if (p->taken >= p->quota)
        return INT64_MAX;
    int64_t due = p->interval_ns > 0 ? pacer_due_ns(p, p->taken)
                                     : (now_ns > p->start_ns ? now_ns : p->start_ns);
    return due < p->end_ns ? due : INT64_MAX;
}

bool pacer_take(struct pacer *p, int64_t now_ns, int64_t *due_ns)
{
    int64_t due = pacer_next_ns(p, now_ns);
    if (due > now_ns || now_ns >= p->end_ns)
        return false;
    *due_ns = due;
    p->taken++;
    return true;
}

uint64_t pacer_scheduled(const struct pacer *p, int64_t stop_ns)
{
    if (p->interval_ns <= 0) /* the closed loop plans ahead only when it has a number to reach */
        return p->quota != UINT64_MAX ? p->quota : p->taken;
    int64_t end = stop_ns < p->end_ns ? stop_ns : p->end_ns;
    double span = (double)(end - p->start_ns) - p->offset_ns;
    uint64_t due = span > 0 ? (uint64_t)ceil(span / p->interval_ns) : 0;
    while (due > 0 && pacer_due_ns(p, due - 1) >= end) /* rounding */
        due--;
    while (pacer_due_ns(p, due) < end)
        due++;
    if (due < p->taken)
        due = p->taken;
    return due < p->quota ? due : p->quota;
}
