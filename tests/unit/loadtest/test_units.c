/*
 * What people write is understood entirely or not at all.
 */
#include "loadtest/units.h"

#include "unit.h"

#include <check.h>

START_TEST(durations)
{
    int64_t ns;
    ck_assert(parse_duration("500ms", &ns) && ns == 500 * NS_PER_MS);
    ck_assert(parse_duration("1.5s", &ns) && ns == 1500 * NS_PER_MS);
    ck_assert(parse_duration("2m", &ns) && ns == 120 * NS_PER_S);
    ck_assert(parse_duration("3", &ns) && ns == 3 * NS_PER_S);
    ck_assert(parse_duration("20us", &ns) && ns == 20 * NS_PER_US);
    static const char *const bad[] = {"",    "s",   "-1s",    "1x",        "1 s",
                                      "1s ", "inf", "1.2.3s", "999999999h"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!parse_duration(bad[i], &ns), "%s", bad[i]);
}
END_TEST

START_TEST(counts)
{
    int64_t n;
    ck_assert(parse_count("64", 1, 100, &n) && n == 64);
    ck_assert(parse_count("10k", 1, 100000, &n) && n == 10000);
    ck_assert(!parse_count("0", 1, 100, &n));
    ck_assert(!parse_count("101", 1, 100, &n));
    ck_assert(!parse_count("-1", -5, 100, &n));
    ck_assert(!parse_count("1x", 1, 100, &n));
    ck_assert(!parse_count("99999999999999999999", 1, INT64_MAX, &n));
    ck_assert(!parse_count("9999999999999999m", 1, INT64_MAX, &n));
}
END_TEST

START_TEST(sizes_and_rates)
{
    int64_t n;
    double rate;
    ck_assert(parse_size("1000", &n) && n == 1000);
    ck_assert(parse_size("64k", &n) && n == 65536);
    ck_assert(parse_size("0", &n) && n == 0);
    ck_assert(parse_size("1048576m", &n) && n == INT64_C(1) << 40);
    static const char *const bad[] = {"", "k", "-1", "1kb", "1.5m", "1048577m", "99999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!parse_size(bad[i], &n), "%s", bad[i]);
    ck_assert(parse_rate("0.5", &rate) && rate > 0.49 && rate < 0.51);
    ck_assert(parse_rate("10k", &rate) && rate > 9999 && rate < 10001);
    ck_assert(parse_rate("1.5m", &rate) && rate > 1499999 && rate < 1500001);
    ck_assert(parse_rate("0", &rate));
    static const char *const worse[] = {"", "-1", "1x", "1kk", "101m", "1e3", "inf"};
    for (size_t i = 0; i < sizeof worse / sizeof worse[0]; i++)
        ck_assert_msg(!parse_rate(worse[i], &rate), "%s", worse[i]);
}
END_TEST

START_TEST(shares)
{
    double share;
    ck_assert(parse_share("1%", &share) && share > 0.0099 && share < 0.0101);
    ck_assert(parse_share("0.5%", &share) && share > 0.0049 && share < 0.0051);
    ck_assert(!parse_share("1", &share));
    ck_assert(!parse_share("0%", &share));
    ck_assert(!parse_share("101%", &share));
    ck_assert(!parse_share("1%%", &share));
}
END_TEST

START_TEST(printing)
{
    char text[SHORT_TEXT];
    ck_assert_str_eq(format_us(1.234, text), "1.23 µs");
    ck_assert_str_eq(format_us(1260, text), "1.26 ms");
    ck_assert_str_eq(format_us(999.7, text), "1.00 ms");
    ck_assert_str_eq(format_us(5.9e6, text), "5.90 s");
    ck_assert_str_eq(format_us(-1, text), "-");
    ck_assert_str_eq(format_count(0, text), "0");
    ck_assert_str_eq(format_count(999, text), "999");
    ck_assert_str_eq(format_count(1234567, text), "1,234,567");
    ck_assert_str_eq(format_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
    ck_assert_str_eq(format_bytes(512, text), "512 B");
    ck_assert_str_eq(format_bytes(1536, text), "1.50 KiB");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units");
    TCase *tests = tcase_create("units");
    tcase_add_test(tests, durations);
    tcase_add_test(tests, counts);
    tcase_add_test(tests, sizes_and_rates);
    tcase_add_test(tests, shares);
    tcase_add_test(tests, printing);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
