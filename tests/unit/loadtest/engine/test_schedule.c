/*
 * The plan of an open loop: what is written, how many are due by when, and when each is.
 */
#include "loadtest/engine/schedule.h"

#include "unit.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "loadtest/units.h"

static struct schedule parsed(const char *text)
{
    struct schedule s = {0};
    struct complaint why = {""};
    bool good = schedule_parse(text, &s, &why);
    ck_assert_msg(good, "%s", why.text);
    return s;
}

static void expect_near(double a, double b)
{
    ck_assert_msg(fabs(a - b) < 1e-6 * (1 + fabs(b)), "%.10g is not %.10g", a, b);
}

START_TEST(stages_and_ramps)
{
    struct schedule s = parsed("10s@1000,20s@0-5k,500ms@0.5");
    ck_assert_uint_eq(s.stage_count, 3);
    ck_assert_int_eq(schedule_length_ns(&s), 30500 * NS_PER_MS);
    expect_near(schedule_due_by(&s, schedule_length_ns(&s)), 10000 + 50000 + 0.25);
    expect_near(schedule_mean_rate(&s), 60000.25 / 30.5);
    ck_assert(schedule_varies(&s));
    expect_near(schedule_lowest_rate(&s), 0);
    expect_near(schedule_due_by(&s, 20 * NS_PER_S), 10000 + 12500);
}
END_TEST

START_TEST(what_is_no_stage_is_named)
{
    static const char *const bad[] = {
        "",       "10s",       "@5",    "10s@",  "10s@5,",     "0s@5",        "10s@-5",
        "10s@5-", "10s@1-2-3", "10s@x", "10s@0", "10s@5;9s@1", "10s@5 ,9s@1", "20000h@1,70000h@1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct schedule s = {0};
        struct complaint why = {""};
        ck_assert_msg(!schedule_parse(bad[i], &s, &why), "\"%s\"", bad[i]);
        ck_assert_str_ne(why.text, "");
    }
}
END_TEST

/* moment(n) is the inverse of due_by(t), in constant stages and in ramps up and down. */
START_TEST(each_moment_is_the_inverse_of_the_integral)
{
    struct schedule s = parsed("2s@100,1s@100-900,2s@900,3s@900-0,1s@0,1s@7");
    double all = schedule_due_by(&s, INT64_MAX);
    expect_near(all, 200 + 500 + 1800 + 1350 + 7);
    int64_t before = -1;
    for (int i = 0; i < all; i++) {
        double n = i;
        int64_t at = schedule_moment_ns(&s, n);
        ck_assert_int_ge(at, before);
        ck_assert_msg(fabs(schedule_due_by(&s, at) - n) < 1e-5, "n %g at %lld", n, (long long)at);
        before = at;
    }
    ck_assert_int_eq(schedule_moment_ns(&s, all), INT64_MAX);
    /* Nothing is due while the rate is 0: the first of the last stage waits for its beginning. */
    ck_assert_int_eq(schedule_moment_ns(&s, 3850), 9 * NS_PER_S);
}
END_TEST

START_TEST(whole_milliseconds_come_out_whole)
{
    struct schedule s = {0};
    schedule_constant(&s, 1000);
    for (int64_t n = 0; n < 1000000; n += 997)
        ck_assert_int_eq(schedule_moment_ns(&s, (double)n), n * NS_PER_MS);
    schedule_constant(&s, 0.5);
    ck_assert_int_eq(schedule_moment_ns(&s, 1800), 3600 * NS_PER_S);
    expect_near(schedule_mean_rate(&s), 0.5);
    ck_assert(!schedule_varies(&s));
    ck_assert(!schedule_varies(&(struct schedule){.stage_count = 0}));
    s = parsed("10s@0-5000");
    ck_assert_int_eq(schedule_moment_ns(&s, 0), 0);
    ck_assert_int_eq(schedule_moment_ns(&s, 250), NS_PER_S); /* 250 t² */
    ck_assert_int_eq(schedule_moment_ns(&s, 1000), 2 * NS_PER_S);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");
    tcase_add_test(tests, stages_and_ramps);
    tcase_add_test(tests, what_is_no_stage_is_named);
    tcase_add_test(tests, each_moment_is_the_inverse_of_the_integral);
    tcase_add_test(tests, whole_milliseconds_come_out_whole);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
