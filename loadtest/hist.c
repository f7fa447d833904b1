/*
 * hist.c — slots 0 … 2047 hold one microsecond each; after that every further octave has 1,024
 * slots of twice the width of those before.
 */
#include "hist.h"

#include <math.h>
#include <string.h>

void hist_clear(struct hist *h)
{
    memset(h, 0, sizeof *h);
}

static unsigned slot_of(uint64_t us)
{
    if (us < 2048)
        return (unsigned)us;
    unsigned shift = 53U - (unsigned)__builtin_clzll(us); /* position of the top bit, less 10 */
    return (shift << 10) + (unsigned)(us >> shift);
}

static unsigned shift_of(unsigned slot)
{
    return slot < 2048 ? 0 : (slot >> 10) - 1;
}

static int64_t lowest_us(unsigned slot)
{
    unsigned shift = shift_of(slot);
    return (int64_t)(slot - (shift << 10)) << shift;
}

static int64_t highest_us(unsigned slot)
{
    return lowest_us(slot) + ((int64_t)1 << shift_of(slot)) - 1;
}

void hist_add_us(struct hist *h, int64_t us)
{
    if (us < 0)
        us = 0;
    if (us > HIST_MAX_US)
        us = HIST_MAX_US;
    h->total++;
    h->sum_us += (uint64_t)us;
    if (us > h->max_us)
        h->max_us = us;
    h->count[slot_of((uint64_t)us)]++;
}

void hist_add_ns(struct hist *h, int64_t ns)
{
    hist_add_us(h, (ns + 500) / 1000);
}

void hist_merge(struct hist *into, const struct hist *from)
{
    if (from->total == 0)
        return;
    into->total += from->total;
    into->sum_us += from->sum_us;
    if (from->max_us > into->max_us)
        into->max_us = from->max_us;
    for (unsigned i = 0; i < HIST_SLOTS; i++)
        into->count[i] += from->count[i];
}

int64_t hist_quantile_us(const struct hist *h, double q)
{
    if (h->total == 0)
        return 0;
    uint64_t rank = (uint64_t)ceil(q * (double)h->total);
    if (rank < 1)
        rank = 1;
    if (rank > h->total)
        rank = h->total;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        seen += h->count[i];
        if (seen >= rank)
            return highest_us(i) < h->max_us ? highest_us(i) : h->max_us;
    }
    return h->max_us;
}

double hist_mean_us(const struct hist *h)
{
    return h->total ? (double)h->sum_us / (double)h->total : 0;
}

uint64_t hist_count_above(const struct hist *h, int64_t us)
{
    uint64_t above = 0;
    if (us < 0)
        us = 0;
    if (us > HIST_MAX_US)
        return 0;
    for (unsigned i = slot_of((uint64_t)us) + 1; i < HIST_SLOTS; i++)
        above += h->count[i];
    return above;
}

double hist_excess_us(const struct hist *h, int64_t us, int64_t base_us)
{
    double sum = 0;
    if (us < 0)
        us = 0;
    if (us > HIST_MAX_US)
        return 0;
    for (unsigned i = slot_of((uint64_t)us) + 1; i < HIST_SLOTS; i++)
        if (h->count[i] > 0)
            sum += (double)h->count[i] *
                   ((double)(lowest_us(i) + highest_us(i)) / 2 - (double)base_us);
    return sum;
}
