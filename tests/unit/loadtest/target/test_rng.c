/*
 * The same seed makes the same choices; another stream makes others.
 */
#include "loadtest/target/rng.h"

#include "unit.h"

#include <check.h>

START_TEST(a_seed_is_a_run)
{
    struct rng a, b, other;
    rng_seed(&a, 7, 0);
    rng_seed(&b, 7, 0);
    rng_seed(&other, 7, 1);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t n = rng_next(&a);
        ck_assert_uint_eq(n, rng_next(&b));
        same += n == rng_next(&other);
    }
    ck_assert_int_eq(same, 0);
}
END_TEST

START_TEST(units_are_even)
{
    struct rng r;
    int below = 0;
    rng_seed(&r, 1, 0);
    for (int i = 0; i < 100000; i++) {
        double x = rng_unit(&r);
        ck_assert(x >= 0 && x < 1);
        below += x < 0.01;
    }
    ck_assert_int_gt(below, 850);
    ck_assert_int_lt(below, 1150);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng");
    TCase *tests = tcase_create("rng");
    tcase_add_test(tests, a_seed_is_a_run);
    tcase_add_test(tests, units_are_even);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
