/*
 * Seconds become rows, rows become coarser instead of more, and silence is measured.
 */
#include "loadtest/engine/timeline.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>

#include "loadtest/units.h"

static struct second *second_of(const struct timeline *t, int64_t at_ns)
{
    struct second *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    second_start(s, t, t->start_ns + at_ns);
    return s;
}

START_TEST(two_threads_share_a_second)
{
    struct timeline t;
    struct timeline_row row;
    ck_assert(timeline_init(&t, 1000));
    struct second *a = second_of(&t, 0), *b = second_of(&t, 5);
    second_served(a, 1000 + 5 * NS_PER_MS, 100 * NS_PER_US);
    second_served(b, 1000 + 995 * NS_PER_MS, 300 * NS_PER_US);
    b->row.failed++;
    timeline_publish(&t, a);
    timeline_publish(&t, b);
    timeline_peek(&t, 0, &row);
    ck_assert_uint_eq(row.ok, 2);
    ck_assert_uint_eq(row.failed, 1);
    ck_assert_int_eq(row.p99_us, 300);
    ck_assert_uint_eq(row.served[0], 1);
    ck_assert_uint_eq(row.served[1], UINT64_C(1) << (99 - 64));
    timeline_finish(&t);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_int_eq(t.rows[0].p50_us, 100);
    free(a);
    free(b);
    timeline_free(&t);
}
END_TEST

/* An answer after the end of the run is in no window; to look at a second that was not makes none. */
START_TEST(nothing_is_beyond_the_end)
{
    struct timeline t;
    struct timeline_row row;
    struct window w;
    ck_assert(timeline_init(&t, 1000));
    struct second *s = second_of(&t, 0);
    second_served(s, 1000 + NS_PER_S - 1, NS_PER_MS);
    second_served(s, 1000 + NS_PER_S, NS_PER_MS);
    second_failed(s, 1000 + NS_PER_S + 5 * NS_PER_MS);
    timeline_publish(&t, s);
    timeline_peek(&t, 1, &row);
    ck_assert_uint_eq(row.ok, 0);
    timeline_finish(&t);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_uint_eq(t.rows[0].ok, 2);
    ck_assert_uint_eq(t.rows[0].failed, 1);
    timeline_sum(&t, 0, TIMELINE_WINDOWS, &w);
    ck_assert_uint_eq(w.ok, 1);
    ck_assert_uint_eq(w.failed, 0);
    free(s);
    timeline_free(&t);
}
END_TEST

START_TEST(a_second_can_be_taken_once)
{
    struct timeline t;
    int64_t index = -1;
    struct hist *h = calloc(1, sizeof *h);
    ck_assert_ptr_nonnull(h);
    ck_assert(timeline_init(&t, 0));
    for (int64_t i = 0; i < 3; i++) {
        struct second *s = second_of(&t, i * NS_PER_S);
        for (int64_t n = 0; n <= i; n++)
            second_served(s, i * NS_PER_S, NS_PER_MS);
        timeline_publish(&t, s);
        free(s);
    }
    ck_assert(timeline_take(&t, 1, &index, h));
    ck_assert_int_eq(index, 0);
    ck_assert_uint_eq(h->total, 1);
    ck_assert(!timeline_take(&t, 1, &index, h));
    timeline_finish(&t);
    for (int64_t i = 1; i < 3; i++) {
        ck_assert(timeline_take(&t, INT64_MAX, &index, h));
        ck_assert_int_eq(index, i);
        ck_assert_uint_eq(h->total, (uint64_t)i + 1);
    }
    ck_assert(!timeline_take(&t, INT64_MAX, &index, h));
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(t.rows[i].p99_us, 1000);
    free(h);
    timeline_free(&t);
}
END_TEST

START_TEST(silence_is_measured_in_steps_that_fit_the_rate)
{
    struct timeline t;
    int64_t step;
    ck_assert(timeline_init(&t, 0));
    struct second *s = second_of(&t, 0);
    for (int64_t ms = 0; ms < 1000; ms++)
        if (ms < 300 || ms >= 450) /* a silence of 150 ms */
            second_served(s, ms * NS_PER_MS, NS_PER_US);
    timeline_publish(&t, s);
    timeline_finish(&t);
    ck_assert_int_eq(timeline_without_service_ns(&t, NS_PER_S, 10000, &step), 150 * NS_PER_MS);
    ck_assert_int_eq(step, 10 * NS_PER_MS);
    /* at 200/s a silence of less than 100 ms could be chance */
    ck_assert_int_eq(timeline_without_service_ns(&t, NS_PER_S, 200, &step), 100 * NS_PER_MS);
    ck_assert_int_eq(step, 100 * NS_PER_MS);
    free(s);
    timeline_free(&t);
}
END_TEST

START_TEST(nobody_served_at_all)
{
    struct timeline t;
    int64_t step;
    ck_assert(timeline_init(&t, 0));
    timeline_finish(&t);
    ck_assert_int_eq(timeline_without_service_ns(&t, 3 * NS_PER_S, 0, &step), 3 * NS_PER_S);
    timeline_free(&t);
}
END_TEST

START_TEST(a_long_run_gets_coarser_rows)
{
    struct timeline t;
    uint64_t ok = 0, full = 0, resumed = 0;
    int64_t step;
    ck_assert(timeline_init(&t, 0));
    struct second *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    for (int64_t second = 0; second < 2 * TIMELINE_ROWS + 1; second++) {
        second_start(s, &t, second * NS_PER_S);
        s->row.tls_full = 2;
        s->row.tls_resumed = 3;
        for (int64_t ms = 0; ms < 1000; ms += 5)
            second_served(s, second * NS_PER_S + ms * NS_PER_MS, NS_PER_MS);
        timeline_publish(&t, s);
    }
    timeline_finish(&t);
    ck_assert_uint_eq(t.row_seconds, 4);
    ck_assert_uint_le(t.count, TIMELINE_ROWS);
    for (size_t i = 0; i < t.count; i++) {
        ok += t.rows[i].ok;
        full += t.rows[i].tls_full;
        resumed += t.rows[i].tls_resumed;
    }
    ck_assert_uint_eq(ok, 200 * (2 * TIMELINE_ROWS + 1));
    ck_assert_uint_eq(full, 2 * (2 * TIMELINE_ROWS + 1));
    ck_assert_uint_eq(resumed, 3 * (2 * TIMELINE_ROWS + 1));
    ck_assert_int_eq(timeline_without_service_ns(&t, 2 * TIMELINE_ROWS * NS_PER_S, 200, &step), 0);
    free(s);
    timeline_free(&t);
}
END_TEST

START_TEST(a_window_knows_how_many_were_slower)
{
    struct timeline t;
    struct window w;
    static const int64_t limits[] = {10, 64, 65, 100, 1000, 4096, 5000, 200000};
    ck_assert(timeline_init(&t, 0));
    struct second *s = second_of(&t, 0);
    for (int64_t us = 1; us <= 10000; us++)
        second_served(s, 25 * NS_PER_MS, us * NS_PER_US);
    second_failed(s, 25 * NS_PER_MS);
    second_served(s, 30 * NS_PER_MS, 3600 * NS_PER_S);
    timeline_publish(&t, s);
    timeline_finish(&t);
    timeline_sum(&t, 2, 3, &w);
    ck_assert_uint_eq(w.ok, 10000);
    ck_assert_uint_eq(w.failed, 1);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        double slower = (double)window_slower(&w, limits[i]);
        double limit = limits[i] < 64 ? 64 : (double)limits[i];
        ck_assert(slower <= 10000 - limit || slower < 1); /* rounded up … */
        ck_assert(slower >= 10000 - 1.25 * limit);        /* … by a quarter of an octave */
    }
    timeline_sum(&t, 0, TIMELINE_WINDOWS + 5, &w);
    ck_assert_uint_eq(w.ok, 10001);
    ck_assert_uint_eq(window_slower(&w, 250000), 1); /* the last class has no upper limit */
    free(s);
    timeline_free(&t);
}
END_TEST

START_TEST(a_long_run_gets_longer_windows)
{
    struct timeline t;
    struct window w;
    ck_assert(timeline_init(&t, 0));
    struct second *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    for (int64_t second = 0; second < 100; second++) {
        second_start(s, &t, second * NS_PER_S);
        for (int64_t part = 0; part < 100; part++)
            second_served(s, second * NS_PER_S + part * 10 * NS_PER_MS, NS_PER_MS);
        timeline_publish(&t, s);
    }
    timeline_finish(&t);
    ck_assert_int_eq(t.window_ns, 40 * NS_PER_MS);
    for (int64_t i = 0; i < 2500; i++) {
        timeline_sum(&t, i, i + 1, &w);
        ck_assert_uint_eq(w.ok, 4);
    }
    timeline_sum(&t, 2500, TIMELINE_WINDOWS, &w);
    ck_assert_uint_eq(w.ok, 0);
    free(s);
    timeline_free(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeline");
    TCase *tests = tcase_create("timeline");
    tcase_set_timeout(tests, 60); /* two hours of seconds, under a sanitizer */
    tcase_add_test(tests, two_threads_share_a_second);
    tcase_add_test(tests, nothing_is_beyond_the_end);
    tcase_add_test(tests, a_second_can_be_taken_once);
    tcase_add_test(tests, silence_is_measured_in_steps_that_fit_the_rate);
    tcase_add_test(tests, nobody_served_at_all);
    tcase_add_test(tests, a_long_run_gets_coarser_rows);
    tcase_add_test(tests, a_window_knows_how_many_were_slower);
    tcase_add_test(tests, a_long_run_gets_longer_windows);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
