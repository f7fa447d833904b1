/*
 * grammar: the sets of bits against the lists that the RFCs print.
 */
#include "common/grammar.h"

#include "unit.h"

#include <check.h>
#include <string.h>

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool stands_in(const char *list, int ch)
{
    return ch != 0 && strchr(list, ch) != NULL;
}

START_TEST(tokens)
{
    for (int ch = 0; ch < 256; ch++)
        ck_assert_int_eq(is_token_char((unsigned char)ch),
                         stands_in("!#$%&'*+-.^_`|~" ALPHANUMERIC, ch));
}
END_TEST

/* unreserved, percent-encoded, sub-delims but for the comma that would join two hosts, [ ] and : */
START_TEST(hosts)
{
    for (int ch = 0; ch < 256; ch++)
        ck_assert_int_eq(is_host_char((unsigned char)ch),
                         stands_in("-._~%!$&'()*+;=[]:" ALPHANUMERIC, ch));
}
END_TEST

START_TEST(texts)
{
    for (int ch = 0; ch < 256; ch++)
        ck_assert_int_eq(is_text_char((unsigned char)ch), ch == '\t' || (ch >= ' ' && ch != 127));
}
END_TEST

START_TEST(hexadecimal_digits)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

    for (int ch = 0; ch < 256; ch++) {
        long wanted = -1;

        if (stands_in(lower, ch))
            wanted = strchr(lower, ch) - lower;
        else if (stands_in(upper, ch))
            wanted = strchr(upper, ch) - upper;
        ck_assert_int_eq(hex_value((unsigned char)ch), wanted);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grammar");
    TCase *tcase = tcase_create("grammar");

    tcase_add_test(tcase, tokens);
    tcase_add_test(tcase, hosts);
    tcase_add_test(tcase, texts);
    tcase_add_test(tcase, hexadecimal_digits);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
