/*
 * When requests are due, and how many should have been.
 */
#include "loadtest/pacer.h"

#include <check.h>

#include "loadtest/units.h"

START_TEST(the_closed_loop_is_due_at_once)
{
    struct pacer p;
    int64_t due;
    pacer_init(&p, 100, 200, 0, 1, 0, 3);
    ck_assert(!pacer_take(&p, 99, &due)); /* not before the start */
    for (int64_t now = 100; now < 103; now++)
        ck_assert(pacer_take(&p, now, &due) && due == now);
    ck_assert(!pacer_take(&p, 150, &due)); /* the quota is used up */
    ck_assert_int_eq(pacer_next_ns(&p, 150), INT64_MAX);
    ck_assert_uint_eq(pacer_scheduled(&p, 200), 3);
}
END_TEST

START_TEST(the_closed_loop_ends_on_time)
{
    struct pacer p;
    int64_t due;
    pacer_init(&p, 100, 200, 0, 1, 0, UINT64_MAX);
    ck_assert(pacer_take(&p, 199, &due));
    ck_assert(!pacer_take(&p, 200, &due));
    ck_assert_uint_eq(pacer_scheduled(&p, 200), 1); /* nothing is scheduled but what was sent */
}
END_TEST

START_TEST(the_open_loop_keeps_its_schedule)
{
    struct pacer p;
    int64_t due;
    pacer_init(&p, 0, NS_PER_S, 1000, 2, 1, UINT64_MAX); /* the second of two threads */
    ck_assert_int_eq(pacer_next_ns(&p, 0), NS_PER_MS);
    ck_assert(!pacer_take(&p, NS_PER_MS - 1, &due));
    for (int64_t k = 0; k < 10; k++) /* late, but each from its own moment on */
        ck_assert(pacer_take(&p, 100 * NS_PER_MS, &due) && due == NS_PER_MS + k * 2 * NS_PER_MS);
    ck_assert_uint_eq(pacer_scheduled(&p, NS_PER_S), 500);
    ck_assert_uint_eq(pacer_scheduled(&p, 500 * NS_PER_MS), 250); /* stopped early */
}
END_TEST

START_TEST(all_threads_together_make_the_rate)
{
    static const double rates[] = {1, 3, 7, 999, 12345};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        uint64_t sum = 0;
        for (unsigned t = 0; t < 3; t++) {
            struct pacer p;
            pacer_init(&p, 12345, 12345 + 2 * NS_PER_S, rates[r], 3, t, UINT64_MAX);
            sum += pacer_scheduled(&p, INT64_MAX);
        }
        ck_assert_uint_eq(sum, (uint64_t)(2 * rates[r]));
    }
}
END_TEST

START_TEST(what_is_taken_never_exceeds_what_is_scheduled)
{
    struct pacer p;
    int64_t due;
    uint64_t taken = 0;
    pacer_init(&p, 7, 7 + NS_PER_S, 333, 1, 0, UINT64_MAX);
    while (pacer_take(&p, 7 + NS_PER_S - 1, &due))
        taken++;
    ck_assert_uint_eq(pacer_scheduled(&p, 7 + NS_PER_S), taken);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pacer");
    TCase *tests = tcase_create("pacer");
    tcase_add_test(tests, the_closed_loop_is_due_at_once);
    tcase_add_test(tests, the_closed_loop_ends_on_time);
    tcase_add_test(tests, the_open_loop_keeps_its_schedule);
    tcase_add_test(tests, all_threads_together_make_the_rate);
    tcase_add_test(tests, what_is_taken_never_exceeds_what_is_scheduled);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
