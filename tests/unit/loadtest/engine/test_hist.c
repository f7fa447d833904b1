/*
 * Three significant digits from 1 µs to 1 h, exact counts, and merging that loses nothing.
 */
#include "loadtest/engine/hist.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>

static struct hist *fresh(void)
{
    struct hist *h = calloc(1, sizeof *h);
    ck_assert_ptr_nonnull(h);
    return h;
}

START_TEST(an_empty_one_has_no_latency)
{
    struct hist *h = fresh();
    ck_assert_int_eq(hist_quantile_us(h, 0.5), 0);
    ck_assert_uint_eq(hist_count_above(h, 0), 0);
    free(h);
}
END_TEST

START_TEST(every_value_is_known_to_a_thousandth)
{
    struct hist *h = fresh();
    for (int64_t us = 1; us < HIST_MAX_US; us = us + us / 7 + 1) {
        hist_clear(h);
        hist_add_us(h, us);
        hist_add_us(h, HIST_MAX_US); /* so that the maximum does not cap the answer */
        int64_t found = hist_quantile_us(h, 0.5);
        ck_assert_int_ge(found, us);
        ck_assert_int_le(found - us, us / 1000);
    }
    free(h);
}
END_TEST

START_TEST(quantiles_of_a_thousand_values)
{
    struct hist *h = fresh();
    for (int64_t us = 1; us <= 1000; us++)
        hist_add_ns(h, us * 1000);
    ck_assert_int_eq(hist_quantile_us(h, 0), 1);
    ck_assert_int_eq(hist_quantile_us(h, 0.5), 500);
    ck_assert_int_eq(hist_quantile_us(h, 0.99), 990);
    ck_assert_int_eq(hist_quantile_us(h, 1), 1000);
    ck_assert_uint_eq(hist_count_above(h, 900), 100);
    ck_assert_double_eq(hist_mean_us(h), 500.5);
    free(h);
}
END_TEST

START_TEST(fine_quantiles_move_between_microseconds)
{
    struct hist *h = fresh();
    ck_assert_double_eq(hist_quantile_fine_us(h, 0.5), 0);
    for (int i = 0; i < 100; i++)
        hist_add_us(h, i < 40 ? 10 : 11);
    ck_assert_double_eq_tol(hist_quantile_fine_us(h, 0.2), 10, 1e-9);
    ck_assert_double_eq_tol(hist_quantile_fine_us(h, 0.4), 10.5, 1e-9);
    ck_assert_double_eq_tol(hist_quantile_fine_us(h, 0.7), 11, 1e-9);
    hist_clear(h);
    for (int64_t us = 100000; us < 200000; us++) /* slots of 64 µs and wider */
        hist_add_us(h, us);
    ck_assert_double_eq_tol(hist_quantile_fine_us(h, 0.5), 150000, 1);
    ck_assert_double_eq_tol(hist_quantile_fine_us(h, 0.99), 199000, 1);
    free(h);
}
END_TEST

START_TEST(what_is_out_of_range_is_counted_at_the_edge)
{
    struct hist *h = fresh();
    hist_add_us(h, -5);
    hist_add_us(h, 2 * HIST_MAX_US);
    ck_assert_uint_eq(h->total, 2);
    ck_assert_int_eq(hist_quantile_us(h, 0.5), 0);
    ck_assert_int_eq(h->max_us, HIST_MAX_US);
    ck_assert_uint_eq(hist_count_above(h, 2 * HIST_MAX_US), 0);
    free(h);
}
END_TEST

START_TEST(merging_adds_up)
{
    struct hist *a = fresh(), *b = fresh();
    hist_add_us(a, 10);
    hist_add_us(b, 5000);
    hist_add_us(b, 7);
    hist_merge(a, b);
    ck_assert_uint_eq(a->total, 3);
    ck_assert_int_eq(a->max_us, 5000);
    ck_assert_int_eq(hist_quantile_us(a, 0.3), 7);
    free(a);
    free(b);
}
END_TEST

START_TEST(ranges_are_counted_at_their_upper_end)
{
    struct hist *h = fresh();
    ck_assert(hist_add_range(h, 100, 109, 4));
    ck_assert_uint_eq(h->total, 4);
    ck_assert_uint_eq(h->count[109], 4);
    ck_assert_double_eq(hist_mean_us(h), 105);
    ck_assert_int_eq(h->max_us, 109);
    ck_assert(hist_add_range(h, HIST_MAX_US, HIST_MAX_US + 1000000, 1));
    ck_assert_int_eq(h->max_us, HIST_MAX_US);
    ck_assert(hist_add_range(h, 5, 5, 0));
    ck_assert_uint_eq(h->total, 5);
    free(h);
}
END_TEST

START_TEST(sums_do_not_overflow)
{
    struct hist *h = fresh();
    ck_assert(hist_add_range(h, 0, 0, INT64_MAX));
    ck_assert(!hist_add_range(h, 0, 0, 1));
    ck_assert(!hist_add_range(h, 0, 0, UINT64_MAX));
    ck_assert_uint_eq(h->total, INT64_MAX);
    hist_clear(h);
    ck_assert(hist_add_range(h, 1 << 30, 1 << 30, UINT64_C(1) << 33));
    ck_assert(!hist_add_range(h, 1 << 30, 1 << 30, UINT64_C(1) << 33)); /* of the µs */
    ck_assert_uint_eq(h->total, UINT64_C(1) << 33);
    free(h);
}
END_TEST

START_TEST(what_is_above_exceeds_by_so_much)
{
    struct hist *h = calloc(1, sizeof *h);
    ck_assert_ptr_nonnull(h);
    hist_add_us(h, 100);
    hist_add_us(h, 1000);
    hist_add_us(h, 50000);
    double excess = hist_excess_us(h, 999, 100);
    ck_assert(excess > 0.999 * 50800 && excess < 1.001 * 50800);
    ck_assert(hist_excess_us(h, 60000, 100) < 1);
    free(h);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hist");
    TCase *tests = tcase_create("hist");
    tcase_add_test(tests, an_empty_one_has_no_latency);
    tcase_add_test(tests, every_value_is_known_to_a_thousandth);
    tcase_add_test(tests, quantiles_of_a_thousand_values);
    tcase_add_test(tests, fine_quantiles_move_between_microseconds);
    tcase_add_test(tests, what_is_out_of_range_is_counted_at_the_edge);
    tcase_add_test(tests, merging_adds_up);
    tcase_add_test(tests, ranges_are_counted_at_their_upper_end);
    tcase_add_test(tests, sums_do_not_overflow);
    tcase_add_test(tests, what_is_above_exceeds_by_so_much);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
