/*
 * A service that is disturbed in ways one can reckon by hand: when is it back, and what was lost?
 */
#include "loadtest/recovery.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>

#include "loadtest/units.h"

enum { RATE = 20000, LENGTH_MS = 4000, USUAL_US = 100 };

/* What the service does in one millisecond of the run. */
struct deed {
    unsigned ok, failed;
    int64_t us;
};

static const struct deed usual = {RATE / 1000, 0, USUAL_US}, silence = {0, 0, 0};

static struct result *play(struct deed (*at)(int64_t ms))
{
    struct result *r = calloc(1, sizeof *r);
    struct second *s = calloc(1, sizeof *s);
    ck_assert(r && s && timeline_init(&r->timeline, 0));
    r->steady = (struct steady){.p99_us = USUAL_US, .rps = RATE, .success = 1, .source = "a test"};
    r->facts.seconds = LENGTH_MS / 1000.0;
    for (int64_t ms = 0; ms < LENGTH_MS; ms++) {
        if (ms % 1000 == 0)
            second_start(s, &r->timeline, ms * NS_PER_MS);
        struct deed d = at(ms);
        for (unsigned i = 0; i < d.ok; i++)
            second_served(s, ms * NS_PER_MS, d.us * NS_PER_US);
        for (unsigned i = 0; i < d.failed; i++)
            second_failed(s, ms * NS_PER_MS);
        if (ms % 1000 == 999)
            timeline_publish(&r->timeline, s);
    }
    free(s);
    timeline_finish(&r->timeline);
    return r;
}

static void discard(struct result *r)
{
    result_free(r);
    free(r);
}

static struct deed nothing_happens(int64_t ms)
{
    (void)ms;
    return usual;
}

static struct deed silent_for_300_ms(int64_t ms)
{
    return ms >= 1000 && ms < 1300 ? silence : usual;
}

static struct deed failing_for_100_ms(int64_t ms)
{
    return ms >= 1000 && ms < 1100 ? (struct deed){RATE / 1000 - 1, 1, USUAL_US} : usual;
}

static struct deed slow_for_200_ms(int64_t ms)
{
    return ms >= 1000 && ms < 1200 ? (struct deed){RATE / 1000, 0, 5000} : usual;
}

static struct deed halting(int64_t ms)
{
    bool off = (ms >= 1000 && ms < 1100) || (ms >= 1120 && ms < 1200);
    return off ? silence : usual;
}

/* Two hiccups of 20 ms in the second after the fault, as any machine has them. */
static struct deed hiccups(int64_t ms)
{
    bool off = ms >= 1000 && ms < 1100;
    bool slow = (ms >= 1300 && ms < 1320) || (ms >= 1700 && ms < 1720);
    return off ? silence : slow ? (struct deed){RATE / 1000, 0, 20000} : usual;
}

/* Up and down in turns, up for long enough to look well. */
static struct deed flapping(int64_t ms)
{
    return ms >= 1000 && ms < 2000 && ms % 100 >= 50 ? silence : usual;
}

static struct deed gone_for_good(int64_t ms)
{
    return ms >= 3000 ? silence : usual;
}

START_TEST(one_that_never_left_the_band_is_back_at_once)
{
    struct result *r = play(nothing_happens);
    result_mark(r, 1005 * NS_PER_MS, "kill-worker");
    recovery_conclude(r);
    ck_assert(r->recovery.known && r->recovery.complete);
    ck_assert_int_eq(r->marks[0].back_ns, 0);
    ck_assert(r->recovery.goodput_known && r->recovery.goodput_lost < 1);
    discard(r);
}
END_TEST

START_TEST(silence_ends_when_it_ends)
{
    struct result *r = play(silent_for_300_ms);
    result_mark(r, 1000 * NS_PER_MS, "freeze");
    recovery_conclude(r);
    ck_assert(r->recovery.complete);
    ck_assert_int_eq(r->marks[0].back_ns, 300 * NS_PER_MS);
    ck_assert(r->recovery.seconds > 0.299 && r->recovery.seconds < 0.301);
    ck_assert(r->recovery.resolution_s > 0.009 && r->recovery.resolution_s < 0.011);
    ck_assert(r->recovery.goodput_lost > 0.3 * RATE - 1 &&
              r->recovery.goodput_lost < 0.3 * RATE + 1);
    discard(r);
}
END_TEST

START_TEST(failures_alone_are_enough)
{
    struct result *r = play(failing_for_100_ms); /* one in twenty */
    result_mark(r, 1000 * NS_PER_MS, "segv");
    recovery_conclude(r);
    ck_assert_int_eq(r->marks[0].back_ns, 100 * NS_PER_MS);
    discard(r);
}
END_TEST

START_TEST(a_high_p99_alone_is_enough)
{
    struct result *r = play(slow_for_200_ms);
    result_mark(r, 1000 * NS_PER_MS, "segv");
    recovery_conclude(r);
    ck_assert_int_eq(r->recovery.p99_limit_us, USUAL_US + 1000);
    ck_assert_int_eq(r->marks[0].back_ns, 200 * NS_PER_MS);
    ck_assert(r->recovery.goodput_lost < 1); /* all were answered */
    discard(r);
}
END_TEST

/* Twice the steady p99 is no fault, where that is more than the slack. */
START_TEST(the_band_is_twice_the_steady_p99)
{
    struct result *r = play(slow_for_200_ms);
    r->steady.p99_us = 2500;
    result_mark(r, 1000 * NS_PER_MS, "segv");
    recovery_conclude(r);
    ck_assert_int_eq(r->recovery.p99_limit_us, 5000);
    ck_assert_int_eq(r->marks[0].back_ns, 0);
    discard(r);
}
END_TEST

START_TEST(two_good_steps_are_no_recovery)
{
    struct result *r = play(halting);
    result_mark(r, 1000 * NS_PER_MS, "restart");
    recovery_conclude(r);
    ck_assert_int_eq(r->marks[0].back_ns, 200 * NS_PER_MS);
    discard(r);
}
END_TEST

START_TEST(hiccups_are_no_relapse_but_flapping_is)
{
    struct result *r = play(hiccups);
    result_mark(r, 1000 * NS_PER_MS, "restart");
    recovery_conclude(r);
    ck_assert_int_eq(r->marks[0].back_ns, 100 * NS_PER_MS);
    discard(r);
    r = play(flapping);
    result_mark(r, 1000 * NS_PER_MS, "restart");
    recovery_conclude(r);
    ck_assert_int_ge(r->marks[0].back_ns, 600 * NS_PER_MS);
    ck_assert_int_le(r->marks[0].back_ns, 1000 * NS_PER_MS);
    discard(r);
}
END_TEST

START_TEST(what_does_not_come_back_is_at_least_so_long)
{
    struct result *r = play(gone_for_good);
    result_mark(r, 3000 * NS_PER_MS, "restart");
    result_mark(r, 1000 * NS_PER_MS, "kill-worker"); /* marks may come in any order */
    recovery_conclude(r);
    ck_assert_str_eq(r->marks[0].kind, "kill-worker");
    ck_assert_int_eq(r->marks[0].back_ns, 0);
    ck_assert_int_eq(r->marks[1].back_ns, -1);
    ck_assert(r->recovery.known && !r->recovery.complete);
    ck_assert(r->recovery.seconds > 0.99 && r->recovery.seconds < 1.01);
    ck_assert(r->recovery.goodput_lost > RATE - 1 && r->recovery.goodput_lost < RATE + 1);
    discard(r);
}
END_TEST

START_TEST(by_share_there_is_no_moment)
{
    struct result *r = play(silent_for_300_ms);
    r->share = 0.01;
    recovery_conclude(r);
    ck_assert(!r->recovery.known && r->recovery.goodput_known);
    double lost = RATE * 0.99 * 4 - RATE * 3.7;
    ck_assert(r->recovery.goodput_lost > lost - 1 && r->recovery.goodput_lost < lost + 1);
    discard(r);
}
END_TEST

START_TEST(without_a_steady_run_or_a_fault_nothing_is_known)
{
    struct result *r = play(nothing_happens);
    recovery_conclude(r);
    ck_assert(!r->recovery.known && !r->recovery.goodput_known);
    result_mark(r, NS_PER_S, "segv");
    r->steady = (struct steady){0};
    recovery_conclude(r);
    ck_assert(!r->recovery.known && !r->recovery.goodput_known);
    discard(r);
}
END_TEST

START_TEST(marks_beyond_the_list_are_counted_and_their_recovery_is_not_claimed)
{
    struct result *r = play(nothing_happens);
    for (int i = 0; i < MAX_MARKS + 5; i++)
        result_mark(r, i * 10 * NS_PER_MS, "kill-worker");
    recovery_conclude(r);
    ck_assert_uint_eq(r->mark_count, MAX_MARKS + 5);
    ck_assert(!r->recovery.complete);
    discard(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recovery");
    TCase *tests = tcase_create("recovery");
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, one_that_never_left_the_band_is_back_at_once);
    tcase_add_test(tests, silence_ends_when_it_ends);
    tcase_add_test(tests, failures_alone_are_enough);
    tcase_add_test(tests, a_high_p99_alone_is_enough);
    tcase_add_test(tests, the_band_is_twice_the_steady_p99);
    tcase_add_test(tests, two_good_steps_are_no_recovery);
    tcase_add_test(tests, hiccups_are_no_relapse_but_flapping_is);
    tcase_add_test(tests, what_does_not_come_back_is_at_least_so_long);
    tcase_add_test(tests, by_share_there_is_no_moment);
    tcase_add_test(tests, without_a_steady_run_or_a_fault_nothing_is_known);
    tcase_add_test(tests, marks_beyond_the_list_are_counted_and_their_recovery_is_not_claimed);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
