/*
 * seldom.c — of those who come at the same time, one swap lets one through.
 */
#include "seldom.h"

#include "clock.h"

bool seldom_may(struct seldom *s, int64_t pause, unsigned *held_back)
{
    int64_t now = clock_ms(), again = atomic_load(&s->again);
    if (now < again || !atomic_compare_exchange_strong(&s->again, &again, now + pause)) {
        atomic_fetch_add(&s->held_back, 1);
        return false;
    }
    *held_back = atomic_exchange(&s->held_back, 0);
    return true;
}
