/*
 * quarantine.c — the two words of a ward.
 *
 *      word = until:56 | failed:7 | probing:1          0: WELL; else PROBING, or else ASIDE
 *
 *   until   monotonic ms: when ASIDE is over, or the probe that runs is given up
 *   failed  probes that failed in a row: so often has the time aside been doubled
 *
 *      window = start:44 | before:10 | current:10
 *
 *         start − within         start         start + within
 *      ──────────┼─────────────────┼─────────────────┼──────────▶
 *                      before            current
 *
 * The deaths of two windows that adjoin, each as long as the rule's time. Any stretch of that time
 * lies in two such windows, so their sum misses no death, wherever the border is. It is looked at
 * while the route is WELL only, and begins at zero when that begins.
 *
 * The words need not agree. Whoever is killed between the count and the change of state leaves a
 * count that is high enough, and the next death puts the route aside.
 */
#include "quarantine.h"

enum {
    FIRST_TIME = 1000,    /* ms aside, to begin with */
    LONGEST_TIME = 60000, /* … and at most; no time in a word is believed to be further ahead */
    PROBE_TIME = LONGEST_TIME,
    MOST_FAILED = 6 /* FIRST_TIME doubled so often is the longest */
};

enum { PROBING = 1, FAILED_AT = 1, UNTIL_AT = 8 };
#define WELL ((uint64_t)0)
#define FAILED_MASK 0x7fu

enum { COUNT_BITS = 10, BEFORE_AT = COUNT_BITS, START_AT = 2 * COUNT_BITS };
#define COUNT_MASK 0x3ffu

_Static_assert(FIRST_TIME << MOST_FAILED >= LONGEST_TIME, "the longest time is reached");
_Static_assert(QUARANTINE_DEATHS <= COUNT_MASK, "one window can hold what the rule asks for");

static bool is_probing(uint64_t word)
{
    return word & PROBING;
}

static unsigned failed(uint64_t word)
{
    return (unsigned)(word >> FAILED_AT) & FAILED_MASK;
}

static int64_t time_left(uint64_t word, int64_t now)
{
    return (int64_t)(word >> UNTIL_AT) - now;
}

/* The same state, until another time. */
static uint64_t until(int64_t when, uint64_t word)
{
    return (uint64_t)when << UNTIL_AT | (word & (FAILED_MASK << FAILED_AT | PROBING));
}

static uint64_t aside(int64_t now, unsigned failures)
{
    if (failures > MOST_FAILED)
        failures = MOST_FAILED;
    int64_t time = FIRST_TIME << failures;
    return until(now + (time < LONGEST_TIME ? time : LONGEST_TIME), failures << FAILED_AT);
}

/* Strong: while the moment `seen` lasts, it does not fail. */
static bool swap(struct ward *ward, uint64_t seen, uint64_t next)
{
    return atomic_compare_exchange_strong(&ward->word, &seen, next);
}

enum verdict quarantine_ask(struct ward *ward, int64_t now, unsigned *retry_after)
{
    uint64_t seen = atomic_load_explicit(&ward->word, memory_order_relaxed);
    if (seen == WELL)
        return VERDICT_PASS;
    int64_t left = time_left(seen, now);
    if (left <= 0 && swap(ward, seen, until(now + PROBE_TIME, seen | PROBING)))
        return VERDICT_PROBE;
    if (left > LONGEST_TIME) { /* scribbled, or by one whose clock is a moment ahead of ours */
        left = LONGEST_TIME;
        swap(ward, seen, until(now + left, seen));
    }
    /* A probe is expected to be answered; when it is given up says nothing about that. */
    *retry_after = left <= 0 || is_probing(seen) ? 1 : (unsigned)(left + 999) / 1000;
    return VERDICT_REFUSE;
}

void quarantine_well(struct ward *ward)
{
    uint64_t seen = atomic_load(&ward->word);
    if (seen == WELL)
        return;
    atomic_store(&ward->window, 0); /* first: a death must not find WELL and the old count */
    while (seen != WELL && !atomic_compare_exchange_weak(&ward->word, &seen, WELL))
        ;
}

static unsigned deaths_before(uint64_t window)
{
    return (unsigned)(window >> BEFORE_AT) & COUNT_MASK;
}

static unsigned deaths_current(uint64_t window)
{
    return (unsigned)window & COUNT_MASK;
}

static uint64_t one_more(uint64_t window, int64_t within, int64_t now)
{
    int64_t start = (int64_t)(window >> START_AT), age = now - start;
    unsigned before = deaths_before(window), current = deaths_current(window);
    if (age >= 2 * within || age < -LONGEST_TIME) { /* long past, or scribbled */
        start = now;
        before = current = 0;
    } else if (age >= within) {
        start += within;
        before = current;
        current = 0;
    }
    if (current < COUNT_MASK)
        current++;
    return (uint64_t)start << START_AT | (uint64_t)before << BEFORE_AT | current;
}

/* Counts a death; returns how many there are now, in both windows. */
static unsigned count_death(struct ward *ward, int64_t within, int64_t now)
{
    uint64_t seen = atomic_load(&ward->window), next;
    do
        next = one_more(seen, within, now);
    while (!atomic_compare_exchange_weak(&ward->window, &seen, next));
    return deaths_before(next) + deaths_current(next);
}

bool quarantine_death(struct ward *ward, const struct quarantine_rule *rule, int64_t now)
{
    uint64_t seen = atomic_load(&ward->word);
    while (is_probing(seen) &&
           !atomic_compare_exchange_weak(&ward->word, &seen, aside(now, failed(seen) + 1)))
        ;
    return seen == WELL && rule->deaths > 0 &&
           count_death(ward, rule->within, now) >= rule->deaths && swap(ward, WELL, aside(now, 0));
}

bool quarantine_is_aside(const struct ward *ward)
{
    return atomic_load_explicit(&ward->word, memory_order_relaxed) != WELL;
}
