/*
 * quarantine: a route's way from well to aside, to the probe and back, on a made-up clock; what its
 * rule means; many hands at once; and memory that somebody has scribbled on.
 *
 * The hands are processes that share the ward and nothing else, as in the server. The model of the
 * rule is the list of times that a ward has no room for.
 */
#include "common/quarantine.h"

#include "unit.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, DAY = 24 * 60 * MINUTE };

static const struct quarantine_rule five = {.deaths = 5, .within = 10 * SECOND};
static const struct quarantine_rule none = {.deaths = 0, .within = 10 * SECOND};

/* When all of it begins: as if the machine had been up for some days. */
static const int64_t T0 = 5 * (int64_t)DAY + 123;

static struct ward ward;

/* Asks, and expects that answer; returns Retry-After, 0 when there is none. */
static unsigned ask(int64_t now, enum verdict expected)
{
    unsigned retry_after = 0;

    ck_assert_int_eq(quarantine_ask(&ward, now, &retry_after), expected);
    return retry_after;
}

/* So many deaths in one moment, none of which puts the route aside. */
static void die(int times, int64_t now)
{
    for (int i = 0; i < times; i++)
        ck_assert_msg(!quarantine_death(&ward, &five, now), "death %d", i + 1);
}

static void put_aside(int64_t now)
{
    die(4, now);
    ck_assert(quarantine_death(&ward, &five, now));
}

/* --- one route's life --- */

START_TEST(is_born_well)
{
    ask(0, VERDICT_PASS);
    ask(T0, VERDICT_PASS);
    ck_assert(!quarantine_is_aside(&ward));
    quarantine_well(&ward); /* nothing to be well from */
    ask(T0, VERDICT_PASS);
}
END_TEST

START_TEST(goes_the_whole_way)
{
    put_aside(T0);
    ck_assert(quarantine_is_aside(&ward));
    ck_assert_uint_eq(ask(T0, VERDICT_REFUSE), 1);
    ask(T0 + 999, VERDICT_REFUSE);
    ask(T0 + 1000, VERDICT_PROBE);
    ck_assert(quarantine_is_aside(&ward));
    ck_assert_uint_eq(ask(T0 + 1000, VERDICT_REFUSE), 1);
    ask(T0 + 5000, VERDICT_REFUSE);
    quarantine_well(&ward);
    ck_assert(!quarantine_is_aside(&ward));
    ask(T0 + 5000, VERDICT_PASS);
}
END_TEST

START_TEST(works_from_the_first_moment_of_the_clock)
{
    put_aside(0);
    ask(999, VERDICT_REFUSE);
    ask(1000, VERDICT_PROBE);
}
END_TEST

START_TEST(stays_aside_until_somebody_asks)
{
    put_aside(T0);
    ck_assert(quarantine_is_aside(&ward));
    ask(T0 + 30 * (int64_t)DAY, VERDICT_PROBE);
}
END_TEST

START_TEST(doubles_the_time_with_each_probe_that_fails)
{
    static const int seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    int64_t now = T0;

    put_aside(now);
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        int64_t over = now + seconds[i] * SECOND;

        ck_assert_uint_eq(ask(now, VERDICT_REFUSE), (unsigned)seconds[i]);
        ck_assert_uint_eq(ask(over - 1, VERDICT_REFUSE), 1);
        ask(over, VERDICT_PROBE);
        now = over + 17;
        ck_assert(!quarantine_death(&ward, &five, now)); /* aside it was before */
    }
}
END_TEST

START_TEST(rounds_retry_after_up)
{
    put_aside(T0);
    ask(T0 + 1000, VERDICT_PROBE);
    die(1, T0 + 1000); /* aside until T0 + 3000 */
    ck_assert_uint_eq(ask(T0 + 1000, VERDICT_REFUSE), 2);
    ck_assert_uint_eq(ask(T0 + 1999, VERDICT_REFUSE), 2);
    ck_assert_uint_eq(ask(T0 + 2000, VERDICT_REFUSE), 1);
    ck_assert_uint_eq(ask(T0 + 2999, VERDICT_REFUSE), 1);
}
END_TEST

START_TEST(begins_anew_once_it_is_well)
{
    put_aside(T0);
    ask(T0 + 1000, VERDICT_PROBE);
    die(1, T0 + 1000);
    ask(T0 + 3000, VERDICT_PROBE);
    die(1, T0 + 3000);
    ask(T0 + 7000, VERDICT_PROBE);
    quarantine_well(&ward);
    put_aside(T0 + 7000); /* with five deaths, as at first … */
    ask(T0 + 7999, VERDICT_REFUSE);
    ask(T0 + 8000, VERDICT_PROBE); /* … and for one second */
}
END_TEST

START_TEST(gives_up_a_probe_that_is_never_heard_of)
{
    put_aside(T0);
    ask(T0 + 1000, VERDICT_PROBE);
    ask(T0 + 1000 + MINUTE - 1, VERDICT_REFUSE);
    ask(T0 + 1000 + MINUTE, VERDICT_PROBE);
    ask(T0 + 1000 + MINUTE, VERDICT_REFUSE);
    die(1, T0 + 1000 + MINUTE); /* silence is no failure: this is the first */
    ck_assert_uint_eq(ask(T0 + 1000 + MINUTE, VERDICT_REFUSE), 2);
}
END_TEST

START_TEST(is_not_prolonged_by_stragglers)
{
    put_aside(T0);
    die(100, T0 + 500);
    ask(T0 + 999, VERDICT_REFUSE);
    ask(T0 + 1000, VERDICT_PROBE);
    quarantine_well(&ward);
    die(4, T0 + 1000); /* nor were they counted */
    ask(T0 + 1000, VERDICT_PASS);
}
END_TEST

START_TEST(fails_the_probe_once_however_many_die)
{
    put_aside(T0);
    ask(T0 + 1000, VERDICT_PROBE);
    die(100, T0 + 1000);
    ask(T0 + 2999, VERDICT_REFUSE);
    ask(T0 + 3000, VERDICT_PROBE);
}
END_TEST

START_TEST(believes_the_probe_more_than_a_straggler)
{
    put_aside(T0);
    ask(T0 + 1000, VERDICT_PROBE);
    die(1, T0 + 1500); /* which may have been the probe: aside again */
    ask(T0 + 1500, VERDICT_REFUSE);
    quarantine_well(&ward); /* it was not */
    ask(T0 + 1500, VERDICT_PASS);
    die(4, T0 + 1500);
    ask(T0 + 1500, VERDICT_PASS);
}
END_TEST

START_TEST(keeps_the_count_of_a_route_that_is_well)
{
    die(4, T0);
    quarantine_well(&ward); /* of a probe that had been given up */
    ck_assert(quarantine_death(&ward, &five, T0));
}
END_TEST

/* --- the rule --- */

START_TEST(asks_for_nothing_without_a_rule)
{
    for (int i = 0; i < 5000; i++)
        ck_assert(!quarantine_death(&ward, &none, T0 + i));
    ask(T0 + 5000, VERDICT_PASS);
}
END_TEST

START_TEST(sets_in_with_the_fifth_death)
{
    static const int fifth[] = {0, 1, 4999, 9999, 10000}; /* within 10 s of the first */

    for (size_t i = 0; i < sizeof fifth / sizeof fifth[0]; i++) {
        ward = (struct ward){0};
        die(1, T0);
        die(3, T0 + fifth[i]);
        ask(T0 + fifth[i], VERDICT_PASS);
        ck_assert(quarantine_death(&ward, &five, T0 + fifth[i]));
        ask(T0 + fifth[i], VERDICT_REFUSE);
    }
}
END_TEST

START_TEST(is_not_fooled_at_a_border)
{
    die(1, T0); /* a window that ends at T0 + 10000 */
    die(3, T0 + 9999);
    ck_assert(quarantine_death(&ward, &five, T0 + 10001));
    ward = (struct ward){0};
    die(2, T0);
    die(1, T0 + 9000);
    die(1, T0 + 19000); /* and so on, two windows on */
    die(1, T0 + 20001);
    die(1, T0 + 28000);
    die(1, T0 + 28999); /* the first three are long forgotten, and the fourth is not */
    ck_assert(quarantine_death(&ward, &five, T0 + 29000));
}
END_TEST

START_TEST(forgives_after_a_pause)
{
    for (int i = 0; i < 10; i++) {
        die(4, T0 + i * 20000);
        ask(T0 + i * 20000, VERDICT_PASS);
    }
}
END_TEST

START_TEST(takes_the_smallest_and_the_largest_rule)
{
    static const struct quarantine_rule first = {.deaths = 1, .within = 1};
    static const struct quarantine_rule last = {.deaths = QUARANTINE_DEATHS, .within = DAY};

    ck_assert(quarantine_death(&ward, &first, T0));
    ward = (struct ward){0};
    for (int i = 1; i < QUARANTINE_DEATHS; i++)
        ck_assert_msg(!quarantine_death(&ward, &last, T0 + i * 86400), "death %d", i);
    ck_assert(quarantine_death(&ward, &last, T0 + DAY));
}
END_TEST

/* How many of the times lie at most `span` before the last one. */
static unsigned recent(const int64_t *times, int count, int64_t span)
{
    unsigned sum = 0;

    for (int i = count; i-- > 0 && times[count - 1] - times[i] <= span;)
        sum++;
    return sum;
}

/* One life until the route is aside, against the list of all times. */
static int live(unsigned short dice[3])
{
    struct quarantine_rule rule = {.deaths = 1 + (unsigned)nrand48(dice) % 6,
                                   .within = 1 + nrand48(dice) % 50};
    int64_t times[200], now = T0;
    struct ward one = {0};

    for (int count = 1; count <= 200; count++) {
        now += nrand48(dice) % 3 ? nrand48(dice) % 20 : nrand48(dice) % 150;
        times[count - 1] = now;
        bool is_aside = quarantine_death(&one, &rule, now);

        ck_assert_int_eq(is_aside, quarantine_is_aside(&one));
        if (recent(times, count, rule.within) >= rule.deaths)
            ck_assert_msg(is_aside, "%u/%ldms: not with death %d", rule.deaths, (long)rule.within,
                          count);
        if (!is_aside)
            continue;
        ck_assert_msg(recent(times, count, 2 * rule.within - 1) >= rule.deaths,
                      "%u/%ldms: with no more than death %d", rule.deaths, (long)rule.within,
                      count);
        return count;
    }
    return 0;
}

START_TEST(means_what_its_rule_says)
{
    unsigned short dice[3] = {1, 2, 3};
    int late = 0, never = 0;

    for (int i = 0; i < 1000; i++) {
        int deaths = live(dice);

        late += deaths > 10;
        never += deaths == 0;
    }
    ck_assert_int_gt(late, 10); /* or else no border was ever crossed */
    ck_assert_int_lt(never, 500);
}
END_TEST

/* --- many hands --- */

enum { HANDS = 4, RACES = 2000, WARDS = 20 };

/* What the hands share. */
struct shared {
    _Atomic int arrived;
    _Atomic int at;          /* the ward they work on */
    _Atomic int told[RACES]; /* hands that were told: it is you; or deaths that were meted out */
    struct ward wards[RACES];
};
static struct shared *shared;

static void open_shared(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void close_shared(void)
{
    munmap(shared, sizeof *shared);
}

/* Returns when all hands are there. */
static void meet(void)
{
    atomic_fetch_add(&shared->arrived, 1);
    while (atomic_load(&shared->arrived) < HANDS)
        sched_yield();
}

static pid_t start(void (*work)(void))
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        work();
        _exit(0);
    }
    return pid;
}

/* `work` in several processes at once, to its end. */
static void with_all_hands(void (*work)(void))
{
    pid_t hands[HANDS];
    int status;

    for (int i = 0; i < HANDS; i++)
        hands[i] = start(work);
    for (int i = 0; i < HANDS; i++) {
        ck_assert_int_eq(waitpid(hands[i], &status, 0), hands[i]);
        ck_assert_int_eq(status, 0);
    }
}

static void race(bool (*is_told)(struct ward *one))
{
    meet();
    for (int i; (i = atomic_load(&shared->at)) < RACES;)
        if (is_told(&shared->wards[i])) {
            atomic_fetch_add(&shared->told[i], 1);
            atomic_fetch_add(&shared->at, 1);
        }
}

static void expect_one_each(void)
{
    for (int i = 0; i < RACES; i++)
        if (atomic_load(&shared->told[i]) != 1)
            ck_abort_msg("race %d: %d were told", i, atomic_load(&shared->told[i]));
}

static bool may_probe(struct ward *one)
{
    unsigned retry_after = 0;

    return quarantine_ask(one, T0 + 1000, &retry_after) == VERDICT_PROBE;
}

static void ask_at_once(void)
{
    race(may_probe);
}

static void put_all_aside(void)
{
    int aside = 0;

    for (int i = 0; i < RACES; i++)
        for (int n = 0; n < 5; n++)
            aside += quarantine_death(&shared->wards[i], &five, T0);
    ck_assert_int_eq(aside, RACES);
}

START_TEST(lets_one_process_probe)
{
    put_all_aside();
    with_all_hands(ask_at_once);
    expect_one_each();
}
END_TEST

static void *ask_at_once_in_thread(void *nothing)
{
    ask_at_once();
    return nothing;
}

START_TEST(lets_one_thread_probe)
{
    pthread_t hands[HANDS];

    put_all_aside();
    for (int i = 0; i < HANDS; i++)
        ck_assert_int_eq(pthread_create(&hands[i], NULL, ask_at_once_in_thread, NULL), 0);
    for (int i = 0; i < HANDS; i++)
        pthread_join(hands[i], NULL);
    expect_one_each();
}
END_TEST

/* When one death is enough. */
static bool sets_in(struct ward *one)
{
    static const struct quarantine_rule first = {.deaths = 1, .within = DAY};

    return quarantine_death(one, &first, T0);
}

static void die_at_once(void)
{
    race(sets_in);
}

START_TEST(tells_one_process_that_it_sets_in)
{
    with_all_hands(die_at_once);
    expect_one_each();
}
END_TEST

static const struct quarantine_rule most = {.deaths = QUARANTINE_DEATHS, .within = DAY};

/* All hands together one death less than the rule asks for. */
static void die_almost(void)
{
    meet();
    for (int i; (i = atomic_load(&shared->at)) < WARDS;) {
        int before = atomic_fetch_add(&shared->told[i], 1);

        if (before == QUARANTINE_DEATHS - 2)
            atomic_fetch_add(&shared->at, 1);
        if (before < QUARANTINE_DEATHS - 1 && quarantine_death(&shared->wards[i], &most, T0))
            _exit(1);
    }
}

START_TEST(loses_no_death)
{
    with_all_hands(die_almost);
    for (int i = 0; i < WARDS; i++)
        ck_assert_msg(quarantine_death(&shared->wards[i], &most, T0), "ward %d", i);
}
END_TEST

/* --- two hands, and every way in which they can meet ---
 *
 * Threads that run free seldom meet between two given instructions, on a busy machine hardly ever.
 * So one hand is made to go step by step, and the other acts after the first step of the one; on
 * the next ward after the second; and so on, until the one has come to its end before.
 */

enum { STEPS = 8000 /* in all; a way that a sanitizer makes long is measured in strides */ };

struct meeting {
    void (*prepare)(struct ward *w);
    bool (*one)(struct ward *w);
    bool (*other)(struct ward *w);
};

/* The one: works on each ward in turn, under the eyes of its parent. */
static void go_step_by_step(bool (*act)(struct ward *w))
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    for (int i = 0; i < RACES; i++) {
        atomic_store(&shared->at, i);
        if (act(&shared->wards[i]))
            atomic_fetch_add(&shared->told[i], 1);
    }
    _exit(0);
}

/* Lets it do one more instruction; returns the ward that it is at. */
static int step(pid_t one)
{
    int status;

    if (ptrace(PTRACE_SINGLESTEP, one, NULL, NULL) != 0 || waitpid(one, &status, 0) != one ||
        !WIFSTOPPED(status))
        ck_abort_msg("it cannot be led step by step");
    return atomic_load(&shared->at);
}

/* The steps that it takes with ward i, which ends where the next begins; the other acts after so
 * many of them. */
static int walk(pid_t one, int i, int so_many, const struct meeting *m)
{
    int steps = 0;

    do {
        if (steps++ == so_many && m->other(&shared->wards[i]))
            atomic_fetch_add(&shared->told[i], 1);
    } while (step(one) == i);
    return steps;
}

/* Returns in how many ways they have met; each time `told` of them were told "true". */
static int meet_in_every_way(const struct meeting *m, int told)
{
    int i = 0, so_many = 0, way, stride;
    pid_t one;

    for (int n = 0; n < RACES; n++)
        m->prepare(&shared->wards[n]);
    atomic_store(&shared->at, -1);
    if ((one = fork()) == 0)
        go_step_by_step(m->one);
    ck_assert_int_eq(waitpid(one, NULL, 0), one);
    while (step(one) != 0)
        ;
    way = walk(one, i++, -1, m); /* alone, to see how long it is */
    stride = 1 + way * way / STEPS;
    while (walk(one, i, so_many, m) > so_many) {
        if (atomic_load(&shared->told[i]) != told)
            ck_abort_msg("after %d steps: %d were told", so_many, atomic_load(&shared->told[i]));
        i++;
        so_many += stride;
    }
    kill(one, SIGKILL);
    ck_assert_int_eq(waitpid(one, NULL, 0), one);
    return i;
}

static void has_waited(struct ward *w)
{
    for (int i = 0; i < 5; i++)
        quarantine_death(w, &five, T0);
}

static void is_probed(struct ward *w)
{
    has_waited(w);
    may_probe(w);
}

static const struct quarantine_rule three = {.deaths = 3, .within = 10 * SECOND};

static void has_one_death(struct ward *w)
{
    quarantine_death(w, &three, T0);
}

static void has_two_deaths(struct ward *w)
{
    has_one_death(w);
    has_one_death(w);
}

static bool third_death(struct ward *w)
{
    return quarantine_death(w, &three, T0);
}

static bool fifth_death(struct ward *w)
{
    return quarantine_death(w, &five, T0);
}

static bool is_answered(struct ward *w)
{
    quarantine_well(w);
    return false;
}

START_TEST(gives_one_probe_to_two)
{
    static const struct meeting m = {has_waited, may_probe, may_probe};

    ck_assert_int_gt(meet_in_every_way(&m, 1), 1);
}
END_TEST

/* The third sets in, whichever of the two it is: neither is lost, and one is told. */
START_TEST(counts_both_deaths)
{
    static const struct meeting m = {has_one_death, third_death, third_death};

    ck_assert_int_gt(meet_in_every_way(&m, 1), 1);
}
END_TEST

/* There may be a third and a fourth before either has changed the state. */
START_TEST(sets_in_for_one_of_two)
{
    static const struct meeting m = {has_two_deaths, third_death, third_death};

    ck_assert_int_gt(meet_in_every_way(&m, 1), 1);
}
END_TEST

/* The deaths before the probe do not count for a straggler's that comes while it is answered. */
START_TEST(gets_well_with_nothing_counted)
{
    static const struct meeting m = {is_probed, is_answered, fifth_death};

    ck_assert_int_gt(meet_in_every_way(&m, 0), 1);
}
END_TEST

/* --- wild memory, and hands that are gone --- */

/* Whatever has happened to the ward: within a minute there is a probe, and once that is answered
 * the route is as good as new. */
static void expect_recovery(int64_t now)
{
    enum verdict verdict = VERDICT_REFUSE;
    int64_t last = now + MINUTE;
    unsigned retry_after = 1;

    while ((verdict = quarantine_ask(&ward, now, &retry_after)) == VERDICT_REFUSE) {
        ck_assert_uint_ge(retry_after, 1);
        ck_assert_uint_le(retry_after, 60);
        ck_assert_int_lt(now, last);
        now = now + retry_after * SECOND < last ? now + retry_after * SECOND : last;
    }
    quarantine_well(&ward);
    ask(now, VERDICT_PASS);
    if (verdict == VERDICT_PROBE)
        put_aside(now);
}

/* What the one would leave if it were killed where it stands. */
static bool finds_what_is_left(struct ward *w)
{
    memcpy(&ward, w, sizeof ward);
    if (!quarantine_is_aside(&ward)) /* the count may have its third already */
        quarantine_death(&ward, &three, T0);
    ck_assert(quarantine_is_aside(&ward));
    expect_recovery(T0);
    return false;
}

START_TEST(survives_a_death_at_each_step)
{
    static const struct meeting m = {has_two_deaths, third_death, finds_what_is_left};

    ck_assert_int_gt(meet_in_every_way(&m, 1), 1);
}
END_TEST

START_TEST(recovers_from_every_bit)
{
    for (int bit = 0; bit < 64; bit++) {
        uint64_t one = (uint64_t)1 << bit, from = UINT64_MAX << bit;
        uint64_t patterns[] = {one, ~one, from, ~from};

        for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
            ward = (struct ward){patterns[i], patterns[i]};
            expect_recovery(T0);
        }
    }
}
END_TEST

START_TEST(recovers_from_noise)
{
    unsigned short dice[3] = {4, 5, 6};

    for (int i = 0; i < 1000; i++) {
        /* every other time one that might be true */
        uint64_t near = (uint64_t)(T0 + nrand48(dice) % 200000 - 100000) << 8;
        uint64_t noise = (uint64_t)mrand48() << 32 ^ (uint64_t)mrand48();

        atomic_store(&ward.word, i % 2 ? noise : near | (noise & 0xff));
        atomic_store(&ward.window, (uint64_t)mrand48() << 32 ^ (uint64_t)mrand48());
        if (i % 3 == 0)
            quarantine_death(&ward, &five, T0);
        expect_recovery(T0);
    }
}
END_TEST

/* The deaths that are counted may be scribbled on while the route is well. */
START_TEST(mends_its_count)
{
    unsigned short dice[3] = {7, 8, 9};

    for (int i = 0; i < 1000; i++) {
        ward = (struct ward){0, (uint64_t)mrand48() << 32 ^ (uint64_t)mrand48()};
        if (i % 2)
            atomic_store(&ward.window, UINT64_MAX << nrand48(dice) % 64);
        int deaths = 1;

        while (deaths < 5 && !quarantine_death(&ward, &five, T0))
            deaths++;
        if (deaths == 5)
            ck_assert(quarantine_death(&ward, &five, T0)); /* at the latest */
        expect_recovery(T0);
    }
}
END_TEST

/* The highest figures there can be, in the layout that quarantine.c shows. */
START_TEST(bears_counts_that_are_full)
{
    atomic_store(&ward.word, UINT64_MAX); /* PROBING, after as many failures as fit */
    die(1, T0);
    ck_assert_uint_eq(ask(T0 + 1, VERDICT_REFUSE), 60);
    ask(T0 + MINUTE, VERDICT_PROBE);
    quarantine_well(&ward);
    atomic_store(&ward.window, (uint64_t)T0 << 20 | 0x3ff);
    ck_assert(quarantine_death(&ward, &five, T0));
}
END_TEST

START_TEST(does_not_count_from_the_future)
{
    atomic_store(&ward.window, (uint64_t)(T0 + DAY) << 20);
    die(4, T0);
    die(4, T0 + 20000);
    ask(T0 + 20000, VERDICT_PASS);
}
END_TEST

START_TEST(bears_a_clock_that_is_a_moment_behind)
{
    int64_t now = T0;

    put_aside(now);
    for (int failures = 0; failures < 6; failures++) {
        ask(now += MINUTE, VERDICT_PROBE);
        die(1, now);
    }
    ck_assert_uint_eq(ask(now - 20, VERDICT_REFUSE), 60); /* no probe, and no 61 */
    ck_assert_uint_eq(ask(now, VERDICT_REFUSE), 60);
    ask(now + MINUTE - 21, VERDICT_REFUSE);
    ask(now + MINUTE, VERDICT_PROBE);
    quarantine_well(&ward);
    for (int i = 0; i < 4; i++)
        die(1, now - i);
    ck_assert(quarantine_death(&ward, &five, now - 20));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quarantine");
    TCase *life = tcase_create("life"), *rule = tcase_create("rule");
    TCase *hands = tcase_create("hands"), *memory = tcase_create("memory");

    tcase_add_test(life, is_born_well);
    tcase_add_test(life, goes_the_whole_way);
    tcase_add_test(life, works_from_the_first_moment_of_the_clock);
    tcase_add_test(life, stays_aside_until_somebody_asks);
    tcase_add_test(life, doubles_the_time_with_each_probe_that_fails);
    tcase_add_test(life, rounds_retry_after_up);
    tcase_add_test(life, begins_anew_once_it_is_well);
    tcase_add_test(life, gives_up_a_probe_that_is_never_heard_of);
    tcase_add_test(life, is_not_prolonged_by_stragglers);
    tcase_add_test(life, fails_the_probe_once_however_many_die);
    tcase_add_test(life, believes_the_probe_more_than_a_straggler);
    tcase_add_test(life, keeps_the_count_of_a_route_that_is_well);
    suite_add_tcase(suite, life);

    tcase_add_test(rule, asks_for_nothing_without_a_rule);
    tcase_add_test(rule, sets_in_with_the_fifth_death);
    tcase_add_test(rule, is_not_fooled_at_a_border);
    tcase_add_test(rule, forgives_after_a_pause);
    tcase_add_test(rule, takes_the_smallest_and_the_largest_rule);
    tcase_add_test(rule, means_what_its_rule_says);
    suite_add_tcase(suite, rule);

    tcase_add_checked_fixture(hands, open_shared, close_shared);
    tcase_add_test(hands, lets_one_process_probe);
    tcase_add_test(hands, lets_one_thread_probe);
    tcase_add_test(hands, loses_no_death);
    tcase_add_test(hands, tells_one_process_that_it_sets_in);
    tcase_add_test(hands, gives_one_probe_to_two);
    tcase_add_test(hands, counts_both_deaths);
    tcase_add_test(hands, sets_in_for_one_of_two);
    tcase_add_test(hands, gets_well_with_nothing_counted);
    tcase_add_test(hands, survives_a_death_at_each_step);
    suite_add_tcase(suite, hands);

    tcase_add_test(memory, recovers_from_every_bit);
    tcase_add_test(memory, recovers_from_noise);
    tcase_add_test(memory, mends_its_count);
    tcase_add_test(memory, bears_counts_that_are_full);
    tcase_add_test(memory, does_not_count_from_the_future);
    tcase_add_test(memory, bears_a_clock_that_is_a_moment_behind);
    suite_add_tcase(suite, memory);
    return unit_run(suite);
}
