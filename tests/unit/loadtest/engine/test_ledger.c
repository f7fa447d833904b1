/*
 * The sum has to come out, for the innocent and the injected apart, and a request that is in no
 * column or in two is noticed.
 */
#include "loadtest/engine/ledger.h"

#include "unit.h"

#include <check.h>
#include <errno.h>
#include <string.h>

START_TEST(a_balanced_one_balances)
{
    struct ledger l = {.scheduled = 12, .started = {8, 3}, .unfinished = {1, 0}, .never_sent = 1};
    l.ended[INNOCENT][OUTCOME_OK] = 5;
    l.ended[INNOCENT][OUTCOME_RESET] = 2;
    l.ended[INJECTED][OUTCOME_STATUS_5XX] = 3;
    ck_assert(ledger_balances(&l));
    ck_assert_uint_eq(ledger_failed(&l, INNOCENT), 2);
    ck_assert_uint_eq(ledger_failed(&l, INJECTED), 3);
    ck_assert_uint_eq(ledger_answered(&l), 8);
}
END_TEST

START_TEST(one_lost_or_counted_twice_is_noticed)
{
    struct ledger l = {.scheduled = 2, .started = {1, 1}};
    l.ended[INNOCENT][OUTCOME_OK] = 2; /* the sum is right, the parties are not */
    ck_assert(!ledger_balances(&l));
    l.ended[INNOCENT][OUTCOME_OK] = 1;
    ck_assert(!ledger_balances(&l));
    l.ended[INJECTED][OUTCOME_CLOSED] = 1;
    ck_assert(ledger_balances(&l));
    l.scheduled++;
    ck_assert(!ledger_balances(&l));
}
END_TEST

START_TEST(merging_keeps_the_balance)
{
    struct ledger a = {.scheduled = 1, .started = {1, 0}}, b = {.scheduled = 2, .never_sent = 2};
    a.ended[INNOCENT][OUTCOME_DEADLINE] = 1;
    ledger_merge(&a, &b);
    ck_assert(ledger_balances(&a));
    ck_assert_uint_eq(a.scheduled, 3);
}
END_TEST

START_TEST(every_class_has_a_name_of_its_own)
{
    for (unsigned o = 0; o < OUTCOMES; o++) {
        ck_assert_uint_eq(outcome_by_name(outcome_name((enum outcome)o)), o);
        ck_assert_uint_gt(strlen(outcome_meaning((enum outcome)o)), 0);
    }
    ck_assert_uint_eq(outcome_by_name("nonsense"), OUTCOMES);
}
END_TEST

START_TEST(statuses_and_errors_find_their_class)
{
    ck_assert_uint_eq(outcome_of_status(204), OUTCOME_OK);
    ck_assert_uint_eq(outcome_of_status(304), OUTCOME_OK);
    ck_assert_uint_eq(outcome_of_status(404), OUTCOME_STATUS_4XX);
    ck_assert_uint_eq(outcome_of_status(599), OUTCOME_STATUS_5XX);
    ck_assert_uint_eq(outcome_of_status(101), OUTCOME_MALFORMED);
    ck_assert_uint_eq(outcome_of_status(999), OUTCOME_MALFORMED);
    ck_assert_uint_eq(outcome_of_connect_error(ECONNREFUSED), OUTCOME_REFUSED);
    ck_assert_uint_eq(outcome_of_connect_error(EHOSTUNREACH), OUTCOME_CONNECT_ERROR);
    ck_assert_uint_eq(outcome_of_connect_error(EMFILE), OUTCOME_LOCAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tests = tcase_create("ledger");
    tcase_add_test(tests, a_balanced_one_balances);
    tcase_add_test(tests, one_lost_or_counted_twice_is_noticed);
    tcase_add_test(tests, merging_keeps_the_balance);
    tcase_add_test(tests, every_class_has_a_name_of_its_own);
    tcase_add_test(tests, statuses_and_errors_find_their_class);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
