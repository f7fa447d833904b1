/*
 * allowance.c — a bucket of time, filled at half speed.
 */
#include "allowance.h"

enum {
    BURST = 200 * 1000 /* µs */,
    PAUSE_MIN = 10,
    PAUSE_MAX = 1000 /* ms */,
    CALM = 5000 /* ms */
};

void allowance_open(struct allowance *a, int64_t now)
{
    *a = (struct allowance){.credit = BURST, .at = now};
}

bool allowance_has(struct allowance *a, int64_t now)
{
    a->credit += (now - a->at) / 2;
    a->at = now;
    if (a->credit > BURST)
        a->credit = BURST;
    return a->credit > 0 && now / 1000 >= a->not_before;
}

void allowance_spend(struct allowance *a, int64_t took)
{
    a->credit -= took;
    if (a->credit < -BURST) /* the machine may have slept */
        a->credit = -BURST;
}

void allowance_fail(struct allowance *a, int64_t now)
{
    bool was_calm = now - a->not_before > CALM;
    a->pause = was_calm || a->pause == 0 ? PAUSE_MIN : a->pause * 2;
    if (a->pause > PAUSE_MAX)
        a->pause = PAUSE_MAX;
    a->not_before = now + a->pause;
}
