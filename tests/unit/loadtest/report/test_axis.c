/*
 * Axes: round numbers, few enough to read, and no value outside.
 */
#include "loadtest/report/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

/* The labels of an axis in one text: "0 5k 10k". */
static const char *labels(const struct axis *a)
{
    static char text[AXIS_TICKS * (AXIS_LABEL + 1)];
    text[0] = '\0';
    for (size_t i = 0; i < a->count; i++) {
        strcat(text, i ? "|" : "");
        strcat(text, a->ticks[i].label);
    }
    return text;
}

static const struct {
    double most;
    const char *labels;
    double to;
} counts[] = {{0, "0|1", 1},
              {(double)NAN, "0|1", 1},
              {3, "0|1|2|3", 3},
              {7, "0|2|4|6|8", 8},
              {4900, "0|1,000|2,000|3,000|4,000|5,000", 5000},
              {88123, "0|20k|40k|60k|80k|100k", 100000},
              {2.4e6, "0|0.5M|1M|1.5M|2M|2.5M", 2.5e6}};

START_TEST(counts_end_at_a_round_number)
{
    struct axis a;
    axis_counts(&a, counts[_i].most, 5);
    ck_assert_str_eq(labels(&a), counts[_i].labels);
    ck_assert_double_eq_tol(a.to, counts[_i].to, 1e-6);
}
END_TEST

static const struct {
    double length;
    const char *labels;
} lengths[] = {{0.3, "0 s|0.05 s|0.1 s|0.15 s|0.2 s|0.25 s|0.3 s"},
               {10, "0 s|2 s|4 s|6 s|8 s|10 s"},
               {30.2, "0 s|5 s|10 s|15 s|20 s|25 s|30 s"},
               {600, "0:00 min|2:00 min|4:00 min|6:00 min|8:00 min|10:00 min"},
               {7200, "0:00 min|15:00 min|30:00 min|45:00 min|1:00 h|1:15 h|1:30 h|1:45 h|2:00 h"}};

START_TEST(seconds_end_with_the_run)
{
    struct axis a;
    axis_seconds(&a, lengths[_i].length, 8);
    ck_assert_str_eq(labels(&a), lengths[_i].labels);
    ck_assert_double_eq_tol(a.to, lengths[_i].length, 1e-9);
}
END_TEST

START_TEST(any_length_has_few_ticks)
{
    double length = 0.001;
    for (int i = 0; i < 70; i++, length *= 1.34) { /* up to a week */
        struct axis a;
        axis_seconds(&a, length, 8);
        ck_assert_uint_ge(a.count, 2);
        ck_assert_uint_le(a.count, AXIS_TICKS);
        ck_assert_double_le(a.ticks[a.count - 1].at, length * 1.0001);
    }
}
END_TEST

static const struct {
    double least, most;
    const char *labels;
} latencies[] = {{0, 0, "1 µs|2 µs"},
                 {120, 900, "100 µs|200 µs|500 µs|1 ms"},
                 {100, 90, "50 µs|100 µs"}, /* no line lies on the axis itself */
                 {2100, 1.9e6, "1 ms|2 ms|5 ms|10 ms|20 ms|50 ms|100 ms|200 ms|500 ms|1 s|2 s"},
                 {80, 4e6, "100 µs|1 ms|10 ms|100 ms|1 s"}};

START_TEST(latencies_are_between_round_numbers)
{
    struct axis a;
    axis_latency(&a, latencies[_i].least, latencies[_i].most);
    if (_i != 3) /* too many for that: every power of ten */
        ck_assert_str_eq(labels(&a), latencies[_i].labels);
    ck_assert_double_le(a.from, fmax(latencies[_i].least, 1));
    ck_assert_double_ge(a.to, latencies[_i].most);
    ck_assert_double_lt(a.from, a.to);
}
END_TEST

static const struct {
    double least, most;
    const char *labels;
} ratios[] = {{1, 1, "0.99|0.995|1|1.005|1.01"},
              {0.97, 1.04, "0.97|0.98|0.99|1|1.01|1.02|1.03|1.04"},
              {0.8, 1.5, "0.8|0.9|1|1.1|1.2|1.3|1.4|1.5"},
              {0.3, 4, "0.5|1|2"},
              {1, 2000, "1|10|100|1000"}};

START_TEST(ratios_lie_around_1)
{
    struct axis a;
    axis_ratios(&a, ratios[_i].least, ratios[_i].most);
    ck_assert_str_eq(labels(&a), ratios[_i].labels);
    ck_assert(a.from < ratios[_i].least && a.from < 1 && a.to > ratios[_i].most && a.to > 1);
}
END_TEST

START_TEST(percentiles_go_as_far_as_there_are_values)
{
    struct axis a;
    axis_percentiles(&a, 135229);
    ck_assert_str_eq(labels(&a), "0 %|50 %|90 %|99 %|99.9 %|99.99 %|99.999 %");
    ck_assert_double_eq_tol(a.to, 135229, 1e-9);
    axis_percentiles(&a, 1);
    ck_assert_str_eq(labels(&a), "0 %|50 %|90 %");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("axis");
    TCase *tests = tcase_create("axis");
    tcase_add_loop_test(tests, counts_end_at_a_round_number, 0, sizeof counts / sizeof counts[0]);
    tcase_add_loop_test(tests, seconds_end_with_the_run, 0, sizeof lengths / sizeof lengths[0]);
    tcase_add_test(tests, any_length_has_few_ticks);
    tcase_add_loop_test(tests, ratios_lie_around_1, 0, sizeof ratios / sizeof ratios[0]);
    tcase_add_loop_test(tests, latencies_are_between_round_numbers, 0,
                        sizeof latencies / sizeof latencies[0]);
    tcase_add_test(tests, percentiles_go_as_far_as_there_are_values);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
