/*
 * quantity: what a person may type for a number, a size or a duration, and what is not guessed at.
 */
#include "common/quantity.h"

#include "unit.h"

#include <check.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
    const char *text;
    uint64_t bytes;
} sizes[] = {
    {"0", 0},
    {"100", 100},
    {"007", 7},
    {"64k", 64 << 10},
    {"16m", 16 << 20},
    {"1g", 1 << 30},
    {"18446744073709551615", UINT64_MAX},
    {"17179869183g", UINT64_MAX - (1 << 30) + 1},
};

START_TEST(reads_a_size)
{
    uint64_t bytes = 1;

    ck_assert(parse_size(sizes[_i].text, &bytes));
    ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

static const char *const no_sizes[] = {
    "",
    "k",
    " 1",
    "1 ",
    "1 k",
    "+1",
    "-1",
    "1kk",
    "1K",
    "1t",
    "0x10",
    "1.5m",
    "1s",
    "18446744073709551616",
    "17179869184g",
    "99999999999999999999999",
};

START_TEST(refuses_what_is_no_size)
{
    uint64_t bytes = 77;

    ck_assert(!parse_size(no_sizes[_i], &bytes));
    ck_assert_uint_eq(bytes, 77);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms;
} durations[] = {
    {"500ms", 500},  {"5s", 5000}, {"2m", 120000},
    {"1h", 3600000}, {"0ms", 0},   {"9223372036854775807ms", INT64_MAX},
};

START_TEST(reads_a_duration)
{
    int64_t ms = 1;

    ck_assert(parse_duration(durations[_i].text, &ms));
    ck_assert_int_eq(ms, durations[_i].ms);
}
END_TEST

static const char *const no_durations[] = {
    "",
    "5",
    "0",
    "s",
    "5 s",
    "-5s",
    "5S",
    "5sec",
    "1.5s",
    "1m30s",
    "5k",
    "9223372036854775808ms",
    "9223372036854775807s",
};

START_TEST(refuses_what_is_no_duration)
{
    int64_t ms = 77;

    ck_assert(!parse_duration(no_durations[_i], &ms));
    ck_assert_int_eq(ms, 77);
}
END_TEST

START_TEST(keeps_a_number_within_its_limit)
{
    uint64_t number = 77;

    ck_assert(parse_number("65535", 65535, &number));
    ck_assert_uint_eq(number, 65535);
    ck_assert(!parse_number("65536", 65535, &number));
    ck_assert(!parse_number("12k", 65535, &number));
    ck_assert(!parse_number("", 65535, &number));
    ck_assert_uint_eq(number, 65535);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quantity");
    TCase *tcase = tcase_create("quantity");

    tcase_add_loop_test(tcase, reads_a_size, 0, COUNT(sizes));
    tcase_add_loop_test(tcase, refuses_what_is_no_size, 0, COUNT(no_sizes));
    tcase_add_loop_test(tcase, reads_a_duration, 0, COUNT(durations));
    tcase_add_loop_test(tcase, refuses_what_is_no_duration, 0, COUNT(no_durations));
    tcase_add_test(tcase, keeps_a_number_within_its_limit);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
