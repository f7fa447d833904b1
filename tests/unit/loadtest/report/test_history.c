/*
 * From a timeline to lines: what is drawn of a second, of the last second, and of an hour.
 */
#include "loadtest/report/history.h"

#include <math.h>
#include <stdlib.h>

#include "loadtest/units.h"
#include "unit.h"

static struct result *made_up(size_t rows, double seconds)
{
    struct result *r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    ck_assert(timeline_init(&r->timeline, 0));
    r->facts.seconds = seconds;
    r->timeline.count = rows;
    for (size_t i = 0; i < rows; i++)
        r->timeline.rows[i] =
            (struct timeline_row){.ok = 100, .p50_us = 10, .p99_us = (int64_t)i, .max_us = 1000};
    return r;
}

static void discard(struct result *r)
{
    result_free(r);
    free(r);
}

START_TEST(a_sliver_has_no_rate)
{
    struct result *r = made_up(4, 2.2);
    r->timeline.rows[1].ok = 0;
    ck_assert_double_eq(history_value(r, 0, ROW_OK), 100);
    ck_assert_double_eq(history_value(r, 1, ROW_OK), 0); /* an outage is a zero … */
    ck_assert(isnan(history_value(r, 1, ROW_P99)));      /* … and its latency a gap */
    ck_assert(isnan(history_value(r, 2, ROW_OK)));       /* 0.2 s of it lie within the run */
    ck_assert_double_eq(history_value(r, 2, ROW_MAX), 1000);
    ck_assert(isnan(history_value(r, 3, ROW_MAX))); /* answers that came after the end */
    r->facts.seconds = 2.5;
    ck_assert_double_eq_tol(history_value(r, 2, ROW_OK), 200, 1e-9);
    discard(r);
}
END_TEST

START_TEST(what_was_due_is_that_of_the_schedule)
{
    struct result *r = made_up(4, 2.5);
    struct complaint why;
    ck_assert(schedule_parse("1s@100-300,1500ms@300", &r->schedule, &why));
    ck_assert_double_eq_tol(history_value(r, 0, ROW_DUE), 200, 1e-6);
    ck_assert_double_eq_tol(history_value(r, 1, ROW_DUE), 300, 1e-6);
    ck_assert_double_eq_tol(history_value(r, 2, ROW_DUE), 300, 1e-6); /* of half a second */
    ck_assert(isnan(history_value(r, 3, ROW_DUE)));
    discard(r);
    r = made_up(1201, 1200);
    schedule_constant(&r->schedule, 50);
    ck_assert_double_eq_tol(history_value(r, 0, ROW_DUE), 50, 1e-6); /* the mean of 3 rows */
    discard(r);
}
END_TEST

START_TEST(a_short_run_has_a_rate)
{
    struct result *r = made_up(1, 0.25);
    ck_assert_double_eq_tol(history_value(r, 0, ROW_OK), 400, 1e-9);
    discard(r);
}
END_TEST

START_TEST(a_long_run_has_few_steps)
{
    struct result *r = made_up(3601, 3600.5);
    r->timeline.rows[8].failed = 70;
    ck_assert_uint_eq(history_step_seconds(r), 7);
    ck_assert_uint_eq(history_steps(r), 515);
    struct timeline_row row = history_row(r, 1); /* seconds 7 to 13 */
    ck_assert_uint_eq(row.ok, 700);
    ck_assert_uint_eq(row.failed, 70);
    ck_assert_int_eq(row.p99_us, 13);
    ck_assert_double_eq_tol(history_value(r, 1, ROW_OK), 100, 1e-9);
    ck_assert_double_eq_tol(history_value(r, 1, ROW_FAILED), 10, 1e-9);
    uint64_t ok = 0;
    for (size_t i = 0; i < history_steps(r); i++)
        ok += history_row(r, i).ok;
    ck_assert_uint_eq(ok, 360100); /* nobody is lost */
    discard(r);
}
END_TEST

START_TEST(a_line_is_interrupted_where_there_is_nothing)
{
    struct result *r = made_up(3, 3);
    struct plot p;
    r->timeline.rows[1].ok = 0;
    plot_init(&p, "p99");
    struct plot_series *s = plot_add_series(&p, "p99", PLOT_SERIES);
    history_draw(&p, s, r, 10, ROW_P99);
    ck_assert_uint_eq(s->count, 5);
    ck_assert_double_eq(s->points[0].x, 10);
    ck_assert_double_eq(s->points[0].y, 1); /* 0 µs has no place on a logarithmic scale */
    ck_assert_double_eq(s->points[1].x, 11);
    ck_assert(isnan(s->points[2].y));
    ck_assert_double_eq(s->points[4].x, 13);
    plot_free(&p);
    discard(r);
}
END_TEST

START_TEST(faults_are_marks_and_bands)
{
    struct result *r = made_up(5, 4.5);
    struct plot p;
    r->timeline.rows[1].injected = r->timeline.rows[2].injected = r->timeline.rows[4].injected = 1;
    r->marks[0] = (struct mark){.at_ns = 1500 * NS_PER_MS, .kind = "kill"};
    r->mark_count = 1;
    plot_init(&p, "faults");
    history_faults(&p, r, 100);
    ck_assert_uint_eq(p.mark_count, 1);
    ck_assert_double_eq(p.marks[0].at, 101.5);
    ck_assert_str_eq(p.marks[0].label, "kill");
    ck_assert_uint_eq(p.band_count, 2);
    ck_assert_double_eq(p.bands[0].from, 101);
    ck_assert_double_eq(p.bands[0].to, 103);
    ck_assert_double_eq(p.bands[1].to, 104.5);
    plot_free(&p);
    discard(r);
}
END_TEST

START_TEST(percentiles_end_at_the_slowest)
{
    static struct hist h;
    struct plot p;
    for (int us = 1; us <= 1000; us++)
        hist_add_us(&h, us);
    plot_init(&p, "percentiles");
    struct plot_series *s = plot_add_series(&p, "all", PLOT_SERIES);
    history_percentiles(&p, s, &h);
    ck_assert_double_eq(s->points[0].x, 1);
    ck_assert_double_eq(s->points[0].y, 1);
    ck_assert_double_eq_tol(s->points[24].x, 10, 1e-9); /* 90 % */
    ck_assert_double_eq(s->points[24].y, 900);
    ck_assert_double_eq(s->points[s->count - 1].x, 1000);
    ck_assert_double_eq(s->points[s->count - 1].y, 1000);
    plot_free(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *tests = tcase_create("history");
    tcase_add_test(tests, a_sliver_has_no_rate);
    tcase_add_test(tests, what_was_due_is_that_of_the_schedule);
    tcase_add_test(tests, a_short_run_has_a_rate);
    tcase_add_test(tests, a_long_run_has_few_steps);
    tcase_add_test(tests, a_line_is_interrupted_where_there_is_nothing);
    tcase_add_test(tests, faults_are_marks_and_bands);
    tcase_add_test(tests, percentiles_end_at_the_slowest);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
