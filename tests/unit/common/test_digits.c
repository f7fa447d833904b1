/*
 * digits: what printf would have written.
 */
#include "common/digits.h"

#include "unit.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const unsigned long long numbers[] = {
    0, 1, 9, 10, 15, 16, 99, 100, 255, 256, 4095, 1234567890, ULONG_MAX, ULLONG_MAX};

static void expect(const char *wanted, const char *begin, const char *end)
{
    ck_assert_uint_eq((size_t)(end - begin), strlen(wanted));
    ck_assert_mem_eq(begin, wanted, strlen(wanted));
}

START_TEST(writes_what_printf_writes)
{
    char wanted[64], text[DIGITS_SIZE];

    for (int width = 1; width <= DIGITS_SIZE; width++) {
        snprintf(wanted, sizeof(wanted), "%0*llu", width, numbers[_i]);
        expect(wanted, text, put_number(text, numbers[_i], width));
        snprintf(wanted, sizeof(wanted), "%0*llx", width, numbers[_i]);
        expect(wanted, text, put_hex(text, numbers[_i], width));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digits");
    TCase *tcase = tcase_create("digits");

    tcase_add_loop_test(tcase, writes_what_printf_writes, 0, sizeof(numbers) / sizeof(numbers[0]));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
