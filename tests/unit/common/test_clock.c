/*
 * clock: the one date form of HTTP, there and back, whatever the locale; and a clock that never
 * turns.
 */
#include "common/clock.h"

#include "unit.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    time_t when;
    const char *text;
} dates[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},          {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},  {1709251199, "Thu, 29 Feb 2024 23:59:59 GMT"},
    {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"}, {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
};

START_TEST(writes_and_reads_a_date)
{
    char text[HTTP_DATE_SIZE];

    http_date(dates[_i].when, text);
    ck_assert_str_eq(text, dates[_i].text);
    ck_assert_int_eq(http_date_parse(text, strlen(text)), dates[_i].when);
}
END_TEST

START_TEST(reads_every_day_it_writes)
{
    char text[HTTP_DATE_SIZE];

    for (time_t when = 0; when < (time_t)4102444800; when += 86400 * 3 + 3671) {
        http_date(when, text);
        ck_assert_int_eq(http_date_parse(text, strlen(text)), when);
    }
}
END_TEST

/* RFC 9110 §5.6.7: a server reads the two obsolete forms, too. */
START_TEST(reads_obsolete_forms)
{
    static const char *const forms[] = {"Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        ck_assert_int_eq(http_date_parse(forms[i], strlen(forms[i])), 784111777);
    ck_assert_int_eq(http_date_parse("Monday, 01-Jan-30 00:00:00 GMT", 30), 1893456000);
}
END_TEST

/* File systems hold times that four digits of a year do not. */
START_TEST(stays_within_four_digits)
{
    char text[HTTP_DATE_SIZE];

    http_date((time_t)1 << 60, text);
    ck_assert_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    http_date(-((time_t)1 << 60), text);
    ck_assert_str_eq(text, "Sat, 01 Jan 0000 00:00:00 GMT");
}
END_TEST

static const char *const no_dates[] = {
    "",
    "Sun, 30 Feb 2020 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:61:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun Nov  6 08:49:37 94 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT, and quite a lot more",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 GM",
    "Sun, 06 Nov 1994 08:49:37 GMTx",
    "Sun, 06 Nox 1994 08:49:37 GMT",
    "Sun, xx Nov 1994 08:49:37 GMT",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
};

START_TEST(refuses_other_forms)
{
    ck_assert_int_eq(http_date_parse(no_dates[_i], strlen(no_dates[_i])), -1);
}
END_TEST

START_TEST(ignores_the_locale)
{
    char text[HTTP_DATE_SIZE];

    setenv("TZ", "Asia/Kathmandu", 1);
    tzset();
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    http_date(784111777, text);
    ck_assert_str_eq(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_int_eq(http_date_parse(text, strlen(text)), 784111777);
}
END_TEST

START_TEST(never_goes_back)
{
    int64_t before = clock_us();

    int turned = 0;

    for (int i = 0; i < 100000; i++) {
        int64_t after = clock_us();

        turned += after < before;
        before = after;
    }
    ck_assert_int_eq(turned, 0);
    ck_assert_int_le(llabs((long long)(clock_us() / 1000 - clock_ms())), 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");

    tcase_add_loop_test(tcase, writes_and_reads_a_date, 0, (int)(sizeof(dates) / sizeof(dates[0])));
    tcase_add_test(tcase, reads_every_day_it_writes);
    tcase_add_loop_test(tcase, refuses_other_forms, 0,
                        (int)(sizeof(no_dates) / sizeof(no_dates[0])));
    tcase_add_test(tcase, reads_obsolete_forms);
    tcase_add_test(tcase, stays_within_four_digits);
    tcase_add_test(tcase, ignores_the_locale);
    tcase_add_test(tcase, never_goes_back);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
