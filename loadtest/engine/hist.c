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

unsigned hist_slot_of(int64_t us)
{
    if (us < 2048)
        return (unsigned)us;
    /* position of the top bit, less 10 */
    unsigned shift = 53U - (unsigned)__builtin_clzll((unsigned long long)us);
    return (shift << 10) + (unsigned)(us >> shift);
}

static unsigned shift_of(unsigned slot)
{
    return slot < 2048 ? 0 : (slot >> 10) - 1;
}

int64_t hist_slot_lowest_us(unsigned slot)
{
    unsigned shift = shift_of(slot);
    return (int64_t)(slot - (shift << 10)) << shift;
}

int64_t hist_slot_highest_us(unsigned slot)
{
    return hist_slot_lowest_us(slot) + ((int64_t)1 << shift_of(slot)) - 1;
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
    h->count[hist_slot_of(us)]++;
}

void hist_add_ns(struct hist *h, int64_t ns)
{
    hist_add_us(h, (ns + 500) / 1000);
}

bool hist_add_range(struct hist *h, int64_t low_us, int64_t high_us, uint64_t n)
{
    uint64_t middle = (uint64_t)low_us + (uint64_t)(high_us - low_us + 1) / 2;
    uint64_t total, sum;
    if (high_us > HIST_MAX_US)
        high_us = HIST_MAX_US;
    if (__builtin_add_overflow(h->total, n, &total) || __builtin_mul_overflow(middle, n, &sum) ||
        __builtin_add_overflow(h->sum_us, sum, &sum) || total > INT64_MAX)
        return false;
    if (n == 0)
        return true;
    h->total = total;
    h->sum_us = sum;
    if (high_us > h->max_us)
        h->max_us = high_us;
    h->count[hist_slot_of(high_us)] += n;
    return true;
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
            return hist_slot_highest_us(i) < h->max_us ? hist_slot_highest_us(i) : h->max_us;
    }
    return h->max_us;
}

double hist_quantile_fine_us(const struct hist *h, double q)
{
    double rank = q * (double)h->total;
    uint64_t seen = 0;
    for (unsigned i = 0; h->total > 0 && i < HIST_SLOTS; i++) {
        if (h->count[i] == 0 || (double)(seen + h->count[i]) < rank) {
            seen += h->count[i];
            continue;
        }
        double lowest =
            (double)hist_slot_lowest_us(i) - 0.5; /* values were rounded to the nearest */
        double width = (double)(INT64_C(1) << shift_of(i));
        double us = lowest + width * (rank - (double)seen) / (double)h->count[i];
        return us > 0 ? us : 0;
    }
    return (double)h->max_us;
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
    for (unsigned i = hist_slot_of(us) + 1; i < HIST_SLOTS; i++)
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
    for (unsigned i = hist_slot_of(us) + 1; i < HIST_SLOTS; i++)
        if (h->count[i] > 0)
            sum +=
                (double)h->count[i] *
                ((double)(hist_slot_lowest_us(i) + hist_slot_highest_us(i)) / 2 - (double)base_us);
    return sum;
}
