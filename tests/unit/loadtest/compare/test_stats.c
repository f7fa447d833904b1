/*
 * The interval holds the truth as often as it says, with few numbers and with ugly ones, and is
 * narrow enough to be of use. Seeds are fixed, so that each figure here comes out the same each
 * time.
 */
#include "loadtest/compare/stats.h"

#include "unit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "patience.h"

enum { TRIALS = 100 };

static struct rng noise;

static double exponential(void)
{
    return -log(1 - rng_unit(&noise));
}

static double normal(void)
{
    return sqrt(2 * exponential()) * cos(2 * 3.14159265358979 * rng_unit(&noise));
}

/* One in ten is ten times as far off: a compiler ran beside it. */
static double disturbed(void)
{
    return rng_unit(&noise) < 0.1 ? 10 * normal() : normal();
}

/* The difference of two rounds, each of which can only be held up, and a fifth of them is. */
static double held_up(void)
{
    double a = 0.5 * normal() + (rng_unit(&noise) < 0.2 ? 3 * exponential() : 0);
    double b = 0.5 * normal() + (rng_unit(&noise) < 0.2 ? 3 * exponential() : 0);
    return a - b;
}

static double (*const kinds[])(void) = {normal, disturbed, held_up};

typedef bool method(const double *, size_t, double, struct rng *, struct estimate *);

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What is found in most tools: the middle 95 % of the resamples' means. */
static bool plain_percentiles(const double *values, size_t count, double confidence,
                              struct rng *rng, struct estimate *e)
{
    enum { RESAMPLES = 1000 };
    double means[RESAMPLES] = {0};
    for (int r = 0; r < RESAMPLES; r++)
        for (size_t i = 0; i < count; i++)
            means[r] += values[(size_t)(rng_unit(rng) * (double)count)] / (double)count;
    qsort(means, RESAMPLES, sizeof *means, ascending);
    int outside = (int)((1 - confidence) / 2 * RESAMPLES);
    *e = (struct estimate){means[RESAMPLES / 2], means[outside], means[RESAMPLES - 1 - outside]};
    return true;
}

/* In how many of TRIALS an interval made of `count` numbers around `truth` does not hold zero. */
static int count_shown(method *interval, double (*kind)(void), size_t count, double truth,
                       double confidence)
{
    int shown = 0;
    for (int t = 0; t < TRIALS; t++) {
        double values[STATS_MAX];
        struct estimate e;
        struct rng rng;
        rng_seed(&rng, (uint64_t)t, 1);
        for (size_t i = 0; i < count; i++)
            values[i] = truth + kind();
        ck_assert(interval(values, count, confidence, &rng, &e));
        ck_assert(e.low <= e.middle && e.middle <= e.high);
        shown += e.low > 0 || e.high < 0;
    }
    return shown;
}

START_TEST(nothing_is_found_where_nothing_is)
{
    static const struct {
        size_t count;
        double confidence;
        int most; /* wrong ones that are put up with; a few more than it says */
    } rows[] = {{8, 0.95, 9}, {20, 0.95, 9}, {20, 0.9975, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rng_seed(&noise, 107, 10 + i);
        int wrong = count_shown(stats_interval, kinds[_i], rows[i].count, 0, rows[i].confidence);
        ck_assert_msg(wrong <= rows[i].most, "%d of %d wrong in row %zu", wrong, TRIALS, i);
        if (rows[i].most > 1) /* one that is never wrong says nothing */
            ck_assert_msg(wrong > 0, "none wrong in row %zu", i);
    }
}
END_TEST

/* Why `compare` does not use them: twice as many wrong answers as allowed. */
START_TEST(plain_percentiles_would_not_do)
{
    rng_seed(&noise, 107, 10); /* the very numbers of the test above */
    int wrong = count_shown(plain_percentiles, kinds[_i], 8, 0, 0.95);
    ck_assert_msg(wrong >= TRIALS * 10 / 100, "%d of %d wrong", wrong, TRIALS);
}
END_TEST

/* A difference of the size of the noise, in 50 rounds, at the level `compare` uses. */
START_TEST(what_is_there_is_found)
{
    rng_seed(&noise, 109, 10);
    int found = count_shown(stats_interval, kinds[_i], 50, 1, 0.9975);
    ck_assert_msg(found >= TRIALS * 85 / 100, "found in %d of %d", found, TRIALS);
}
END_TEST

START_TEST(a_few_wild_numbers_change_little)
{
    struct estimate calm, wild;
    struct rng rng;
    double values[20];
    for (int i = 0; i < 20; i++)
        values[i] = 1 + 0.01 * (i % 5);
    rng_seed(&rng, 1, 1);
    ck_assert(stats_interval(values, 20, 0.95, &rng, &calm));
    values[3] = 1000;
    values[9] = -50;
    rng_seed(&rng, 1, 1);
    ck_assert(stats_interval(values, 20, 0.95, &rng, &wild));
    ck_assert(fabs(wild.middle - calm.middle) < 0.01);
    ck_assert(wild.high - wild.low < 0.1);
}
END_TEST

START_TEST(the_seed_decides_and_order_does_not)
{
    static const double values[] = {3, 1, 4, 1, 5, 9, 2, 6}, same[] = {9, 6, 5, 4, 3, 2, 1, 1};
    struct estimate a, b;
    struct rng rng;
    rng_seed(&rng, 5, 0);
    ck_assert(stats_interval(values, 8, 0.9, &rng, &a));
    rng_seed(&rng, 5, 0);
    ck_assert(stats_interval(same, 8, 0.9, &rng, &b));
    ck_assert_double_eq(a.low, b.low);
    ck_assert_double_eq(a.high, b.high);
    ck_assert_double_eq(a.middle, 21.0 / 6); /* without one at each end */
}
END_TEST

START_TEST(what_allows_no_interval)
{
    struct estimate e;
    struct rng rng;
    double same[STATS_MAX + 1];
    for (int i = 0; i <= STATS_MAX; i++)
        same[i] = 2;
    rng_seed(&rng, 5, 0);
    ck_assert(!stats_interval(same, STATS_MIN - 1, 0.95, &rng, &e));
    ck_assert(!stats_interval(same, STATS_MAX + 1, 0.95, &rng, &e));
    ck_assert(stats_interval(same, STATS_MIN, 0.95, &rng, &e));
    ck_assert_double_eq(e.low, 2);
    ck_assert_double_eq(e.high, 2);
}
END_TEST

START_TEST(medians)
{
    static const double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 100};
    ck_assert_double_eq(stats_median(odd, 3), 5);
    ck_assert_double_eq(stats_median(even, 4), 3.5);
    ck_assert_double_eq(stats_median(even, 1), 4);
    ck_assert_double_eq(stats_median(even, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats");
    TCase *tests = tcase_create("stats");
    tcase_set_timeout(tests, case_limit(20));
    tcase_add_loop_test(tests, nothing_is_found_where_nothing_is, 0, 3);
    tcase_add_loop_test(tests, plain_percentiles_would_not_do, 0, 3);
    tcase_add_loop_test(tests, what_is_there_is_found, 0, 3);
    tcase_add_test(tests, a_few_wild_numbers_change_little);
    tcase_add_test(tests, the_seed_decides_and_order_does_not);
    tcase_add_test(tests, what_allows_no_interval);
    tcase_add_test(tests, medians);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
