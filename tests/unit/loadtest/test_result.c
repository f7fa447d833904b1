/*
 * The definitions: victims, validity, and when the generator is to blame.
 */
#include "loadtest/result.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/units.h"

static struct result *made_up(double rate)
{
    struct result *r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    r->tally = calloc(1, sizeof *r->tally);
    ck_assert_ptr_nonnull(r->tally);
    ck_assert(timeline_init(&r->timeline, 0));
    r->rate = rate;
    r->facts.seconds = 1;
    return r;
}

static void discard(struct result *r)
{
    result_free(r);
    free(r);
}

static void book_ok(struct result *r, uint64_t n, int64_t us)
{
    r->tally->ledger.scheduled += n;
    r->tally->ledger.started[INNOCENT] += n;
    r->tally->ledger.ended[INNOCENT][OUTCOME_OK] += n;
    r->tally->ok_in_time += n;
    for (uint64_t i = 0; i < n; i++)
        hist_add_us(&r->tally->corrected, us);
}

START_TEST(victims_failed_were_slow_or_still_wait)
{
    struct result *r = made_up(0);
    r->steady = (struct steady){.p99_us = 100, .victims = 2, .source = "a test"};
    book_ok(r, 1000, 90);
    book_ok(r, 5, 5000);
    r->tally->ledger.scheduled += 4;
    r->tally->ledger.started[INNOCENT] += 4;
    r->tally->ledger.ended[INNOCENT][OUTCOME_TRUNCATED] = 3;
    r->tally->ledger.unfinished[INNOCENT] = 1;
    hist_add_us(&r->tally->censored, 2000);
    result_conclude(r);
    ck_assert_int_eq(r->victims.threshold_us, 1000);
    ck_assert_uint_eq(r->victims.failed, 3);
    ck_assert_uint_eq(r->victims.slow, 5);
    ck_assert_uint_eq(r->victims.waiting, 1);
    ck_assert_uint_eq(r->victims.total, 7);
    ck_assert_ptr_null(r->invalid);
    discard(r);
}
END_TEST

START_TEST(an_injected_request_is_no_victim)
{
    struct result *r = made_up(0);
    book_ok(r, 10, 90);
    r->tally->ledger.scheduled += 2;
    r->tally->ledger.started[INJECTED] = 2;
    r->tally->ledger.ended[INJECTED][OUTCOME_STATUS_5XX] = 1;
    r->tally->ledger.ended[INJECTED][OUTCOME_RESET] = 1;
    result_conclude(r);
    ck_assert_uint_eq(r->victims.total, 0);
    discard(r);
}
END_TEST

START_TEST(a_ledger_that_does_not_balance_is_invalid)
{
    struct result *r = made_up(0);
    book_ok(r, 10, 90);
    r->tally->ledger.scheduled++;
    result_conclude(r);
    ck_assert_ptr_nonnull(strstr(r->invalid, "balance"));
    discard(r);
}
END_TEST

START_TEST(a_busy_generator_is_a_note_in_the_closed_loop_and_fatal_in_the_open)
{
    struct result *r = made_up(0);
    book_ok(r, 10, 90);
    r->facts.cpu_percent = 99;
    result_conclude(r);
    ck_assert(r->limited);
    ck_assert_ptr_null(r->invalid);
    r->rate = 1000;
    result_conclude(r);
    ck_assert(r->limited);
    ck_assert_ptr_nonnull(strstr(r->invalid, "generator-limited"));
    discard(r);
}
END_TEST

START_TEST(lateness_counts_only_when_it_colours_the_latencies)
{
    struct result *r = made_up(1000);
    book_ok(r, 1000, 20000);
    for (int i = 0; i < 1000; i++)
        hist_add_us(&r->tally->slip, 2000);
    result_conclude(r);
    ck_assert(!r->limited);
    hist_clear(&r->tally->corrected);
    for (int i = 0; i < 1000; i++)
        hist_add_us(&r->tally->corrected, 2100);
    result_conclude(r);
    ck_assert(r->limited);
    discard(r);
}
END_TEST

START_TEST(what_was_due_in_each_second)
{
    struct result *r = made_up(300);
    struct complaint why;
    ck_assert(result_due_rate(r, 0) <= 0); /* the closed loop */
    ck_assert(schedule_parse("2s@0-400,1s@100", &r->schedule, &why));
    static const double expected[] = {100, 300, 100, 0};
    r->facts.seconds = 3;
    for (size_t i = 0; i < 4; i++)
        ck_assert_msg(result_due_rate(r, i) > expected[i] - 1e-6 &&
                          result_due_rate(r, i) < expected[i] + 1e-6,
                      "row %zu: %g", i, result_due_rate(r, i));
    r->timeline.row_seconds = 2; /* a coarsened row: the mean of its seconds */
    ck_assert(result_due_rate(r, 0) > 199 && result_due_rate(r, 0) < 201);
    ck_assert(result_due_rate(r, 1) > 99 && result_due_rate(r, 1) < 101); /* half lies within */
    schedule_constant(&r->schedule, 100); /* without an end, but the run has one */
    ck_assert(result_due_rate(r, 1) > 99 && result_due_rate(r, 1) < 101);
    ck_assert(result_due_rate(r, 2) <= 0);
    discard(r);
}
END_TEST

START_TEST(the_foot_of_a_ramp_is_not_time_without_service)
{
    struct result *r = made_up(500);
    struct complaint why;
    ck_assert(schedule_parse("1s@0-1000", &r->schedule, &why));
    book_ok(r, 500, 100);
    struct second s;
    second_start(&s, &r->timeline, 0); /* only the second half was served */
    for (int64_t ms = 500; ms < 1000; ms++)
        second_served(&s, ms * NS_PER_MS, 1000);
    timeline_publish(&r->timeline, &s);
    result_conclude(r);
    ck_assert(r->resolution_s > 0.99 && r->without_service_s <= 0);
    r->schedule.stage_count = 0; /* at a constant rate it would have been */
    result_conclude(r);
    ck_assert(r->without_service_s > 0.4);
    discard(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("result");
    TCase *tests = tcase_create("result");
    tcase_add_test(tests, victims_failed_were_slow_or_still_wait);
    tcase_add_test(tests, an_injected_request_is_no_victim);
    tcase_add_test(tests, a_ledger_that_does_not_balance_is_invalid);
    tcase_add_test(tests, a_busy_generator_is_a_note_in_the_closed_loop_and_fatal_in_the_open);
    tcase_add_test(tests, lateness_counts_only_when_it_colours_the_latencies);
    tcase_add_test(tests, what_was_due_in_each_second);
    tcase_add_test(tests, the_foot_of_a_ramp_is_not_time_without_service);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
