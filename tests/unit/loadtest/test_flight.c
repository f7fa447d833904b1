/*
 * First in, first out, round and round.
 */
#include "loadtest/flight.h"

#include <check.h>

START_TEST(a_ring)
{
    struct flights f;
    ck_assert(flights_init(&f, 3));
    for (int64_t i = 0; i < 10; i++) {
        struct flight a = {.due_ns = 2 * i}, b = {.due_ns = 2 * i + 1};
        flights_add(&f, &a);
        flights_add(&f, &b);
        ck_assert_uint_eq(f.count, 2);
        ck_assert_int_eq(flights_at(&f, 1)->due_ns, 2 * i + 1);
        ck_assert_int_eq(flights_take(&f).due_ns, 2 * i);
        ck_assert_int_eq(flights_take(&f).due_ns, 2 * i + 1);
    }
    flights_free(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *tests = tcase_create("flight");
    tcase_add_test(tests, a_ring);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
