/*
 * drain: which order follows from which signal, and when.
 */
#include "common/drain.h"
#include "common/signals.h"

#include "unit.h"

#include <check.h>

enum { DELAY = 100 };

START_TEST(announces_then_leaves)
{
    struct drain d = {0};

    ck_assert_int_eq(drain_take(&d, SIGNAL_RELOAD | SIGNAL_CHILD, 1000, DELAY), DRAIN_NOT);
    ck_assert_int_eq(drain_pause(&d, 1000, 500), 500);
    ck_assert_int_eq(drain_take(&d, SIGNAL_STOP, 1000, DELAY), DRAIN_ANNOUNCE);
    ck_assert_int_eq(drain_pause(&d, 1010, 500), 90);
    ck_assert_int_eq(drain_pause(&d, 1010, 20), 20);
    ck_assert_int_eq(drain_pause(&d, 1200, 20), 0);
    ck_assert_int_eq(drain_take(&d, 0, 1099, DELAY), DRAIN_ANNOUNCE);
    ck_assert_int_eq(drain_take(&d, 0, 1100, DELAY), DRAIN_LEAVE);
    ck_assert_int_eq(drain_pause(&d, 1100, 500), 500);
    ck_assert_int_eq(drain_take(&d, SIGNAL_STOP, 1101, DELAY), DRAIN_NOW);
}
END_TEST

START_TEST(leaves_at_once_without_a_delay)
{
    struct drain d = {0};

    ck_assert_int_eq(drain_take(&d, SIGNAL_STOP, 1000, 0), DRAIN_LEAVE);
}
END_TEST

START_TEST(a_second_stop_awaits_nothing)
{
    struct drain d = {0};

    drain_take(&d, SIGNAL_STOP, 1000, DELAY);
    ck_assert_int_eq(drain_take(&d, SIGNAL_STOP, 1001, DELAY), DRAIN_NOW);
}
END_TEST

/* Said once, it holds; and the delay is not for those who have been replaced. */
START_TEST(is_replaced_at_once)
{
    struct drain d = {0};

    ck_assert_int_eq(drain_take(&d, SIGNAL_REPLACED, 1000, DELAY), DRAIN_REPLACED);
    ck_assert_int_eq(drain_take(&d, 0, 1001, DELAY), DRAIN_REPLACED);
    ck_assert_int_eq(drain_take(&d, SIGNAL_STOP, 1002, DELAY), DRAIN_REPLACED);
    ck_assert_int_eq(drain_take(&d, SIGNAL_STOP, 1003, DELAY), DRAIN_NOW);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drain");
    TCase *tcase = tcase_create("drain");

    tcase_add_test(tcase, announces_then_leaves);
    tcase_add_test(tcase, leaves_at_once_without_a_delay);
    tcase_add_test(tcase, a_second_stop_awaits_nothing);
    tcase_add_test(tcase, is_replaced_at_once);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
