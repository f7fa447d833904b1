/*
 * Base64: the examples of RFC 4648, every length, and what is none.
 */
#include "loadtest/hlog/base64.h"

#include <check.h>
#include <string.h>

#include "unit.h"

START_TEST(examples_of_the_rfc)
{
    static const char *const examples[][2] = {{"", ""},
                                              {"f", "Zg=="},
                                              {"fo", "Zm8="},
                                              {"foo", "Zm9v"},
                                              {"foob", "Zm9vYg=="},
                                              {"fooba", "Zm9vYmE="},
                                              {"foobar", "Zm9vYmFy"}};
    const char *plain = examples[_i][0], *expected = examples[_i][1];
    char text[16];
    uint8_t data[16];
    size_t n;
    base64_encode((const uint8_t *)plain, strlen(plain), text);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(base64_text_length(strlen(plain)), strlen(expected));
    ck_assert(base64_decode(expected, strlen(expected), data, &n));
    ck_assert_uint_le(n, base64_bytes_at_most(strlen(expected)));
    ck_assert_uint_eq(n, strlen(plain));
    ck_assert_mem_eq(data, plain, n);
}
END_TEST

START_TEST(all_bytes_come_back)
{
    uint8_t data[256], back[256];
    char text[512];
    size_t n;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(255 - i);
    for (size_t length = 0; length <= sizeof data; length++) {
        base64_encode(data, length, text);
        ck_assert(base64_decode(text, strlen(text), back, &n));
        ck_assert_uint_eq(n, length);
        ck_assert_mem_eq(back, data, length);
    }
}
END_TEST

START_TEST(what_is_none)
{
    static const char *const bad[] = {"Zg=",  "Zg",        "Z===",     "====", "=m9v",
                                      "Zm 9", "Zm9v\n===", "Zg==Zg==", "Zm-_", "Zm9v\x80mFy"};
    uint8_t data[16];
    size_t n;
    ck_assert_msg(!base64_decode(bad[_i], strlen(bad[_i]), data, &n), "%s", bad[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64");
    TCase *tests = tcase_create("base64");
    tcase_add_loop_test(tests, examples_of_the_rfc, 0, 7);
    tcase_add_test(tests, all_bytes_come_back);
    tcase_add_loop_test(tests, what_is_none, 0, 10);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
