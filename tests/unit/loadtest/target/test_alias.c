/*
 * Chosen as often as the weights say, by the table itself and by drawing from it.
 */
#include "loadtest/target/alias.h"

#include "unit.h"

#include <check.h>
#include <math.h>

/* What the table gives to each, without any drawing: exact but for rounding. */
static void expect_shares(const double *weights, size_t count)
{
    double sum = 0, share[16] = {0};
    struct alias a;
    ck_assert(alias_make(&a, weights, count));
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
        share[i] += fmin(a.columns[i].keep, 1);
        ck_assert_uint_lt(a.columns[i].other, count);
        share[a.columns[i].other] += 1 - fmin(a.columns[i].keep, 1);
    }
    for (size_t i = 0; i < count; i++)
        ck_assert(fabs(share[i] / (double)count - weights[i] / sum) < 1e-12);
    alias_free(&a);
}

START_TEST(the_table_holds_the_weights)
{
    expect_shares((double[]){1}, 1);
    expect_shares((double[]){1, 1, 1}, 3);
    expect_shares((double[]){97, 2, 1}, 3);
    expect_shares((double[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 10);
    expect_shares((double[]){1e8, 1e-3, 1e-3, 5e7}, 4);
}
END_TEST

START_TEST(drawing_follows_the_table)
{
    static const double weights[] = {90, 9, 1};
    int seen[3] = {0};
    struct alias a;
    struct rng rng;
    rng_seed(&rng, 5, 0);
    ck_assert(alias_make(&a, weights, 3));
    for (int i = 0; i < 100000; i++)
        seen[alias_draw(&a, &rng)]++;
    for (int i = 0; i < 3; i++) { /* 5 sigma */
        double p = weights[i] / 100, expected = 100000 * p;
        ck_assert(fabs(seen[i] - expected) < 5 * sqrt(expected * (1 - p)));
    }
    alias_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alias");
    TCase *tests = tcase_create("alias");
    tcase_add_test(tests, the_table_holds_the_weights);
    tcase_add_test(tests, drawing_follows_the_table);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
