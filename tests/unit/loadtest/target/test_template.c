/*
 * Blanks are filled in, everything else stays as it was, and lengths are right.
 */
#include "loadtest/target/template.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *render(const char *text, uint64_t seed, uint64_t seq)
{
    static char out[1024];
    struct template t;
    struct complaint why = {""};
    bool made = template_make(&t, text, strlen(text), NULL, &why);
    ck_assert_msg(made, "%s", why.text);
    ck_assert_uint_lt(t.room, sizeof out);
    size_t n = template_render(&t, seed, seq, out);
    ck_assert_uint_le(n, t.room);
    out[n] = '\0';
    template_free(&t);
    return out;
}

START_TEST(numbers_and_plain_text)
{
    ck_assert_str_eq(render("a{seq}b{seq}", 1, 0), "a0b0");
    ck_assert_str_eq(render("{seq}", 1, UINT64_MAX), "18446744073709551615");
    ck_assert_str_eq(render("{{seq}} {sequel} {seq", 1, 5), "{5} {sequel} {seq");
    ck_assert_str_eq(render("{rand:7-7}", 1, 5), "7");
    ck_assert(template_needed("{rand}", 6));
    ck_assert(!template_needed("{rand}", 5));
    ck_assert(!template_needed("{randy} {} { seq } {SEQ}", 24));
}
END_TEST

START_TEST(random_numbers_stay_in_bounds_and_reach_them)
{
    int seen[4] = {0};
    for (uint64_t seq = 0; seq < 4000; seq++) {
        long n = strtol(render("{rand:3-6}", 9, seq), NULL, 10);
        ck_assert_int_ge(n, 3);
        ck_assert_int_le(n, 6);
        seen[n - 3]++;
        n = strtol(render("{rand}", 9, seq), NULL, 10);
        ck_assert_int_ge(n, 0);
        ck_assert_int_le(n, 2147483647);
    }
    for (int i = 0; i < 4; i++) /* 1,000 each; 3 sigma are 82 */
        ck_assert_msg(seen[i] > 850 && seen[i] < 1150, "%d: %d", i + 3, seen[i]);
}
END_TEST

START_TEST(seed_and_number_decide)
{
    char first[64];
    snprintf(first, sizeof first, "%s", render("{rand} {rand}", 3, 17));
    ck_assert_str_eq(render("{rand} {rand}", 3, 17), first);
    ck_assert_str_ne(render("{rand} {rand}", 4, 17), first);
    ck_assert_str_ne(render("{rand} {rand}", 3, 18), first);
    char *space = strchr(first, ' ');
    *space = '\0';
    ck_assert_str_ne(first, space + 1); /* two blanks are two numbers */
}
END_TEST

START_TEST(malformed_ones_are_named)
{
    static const char *const bad[] = {
        "{rand:}",   "{rand:1}",    "{rand:5-4}",  "{rand:a-b}",
        "{rand:1-2", "{rand:-1-2}", "{rand: 1-2}", "{rand:0-1234567890123456789}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct template t;
        struct complaint why = {""};
        ck_assert_msg(!template_make(&t, bad[i], strlen(bad[i]), NULL, &why), "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(why.text, "{rand:"));
        ck_assert_ptr_null(t.pieces);
    }
}
END_TEST

/* The body's length has one or two digits, where two were left free. */
START_TEST(the_length_of_the_body_is_filled_in)
{
    static const char head[] = "N: {seq}\nL: \nM: {seq}\n\n";
    char text[64], out[256], expected[512];
    struct template t;
    struct complaint why;
    snprintf(text, sizeof text, "%s<{rand:5-1000}{seq}>", head);
    struct template_body body = {.length_at = 12, .begins_at = strlen(head)};
    ck_assert(template_make(&t, text, strlen(text), &body, &why));
    for (uint64_t seq = 1; seq < UINT64_C(10000000000000); seq *= 7) {
        size_t n = template_render(&t, 1, seq, out);
        ck_assert_uint_le(n, t.room);
        out[n] = '\0';
        const char *tail = strchr(out, '<');
        ck_assert_ptr_nonnull(tail);
        snprintf(expected, sizeof expected, "N: %llu\nL: %zu\nM: %llu\n\n%s",
                 (unsigned long long)seq, strlen(tail), (unsigned long long)seq, tail);
        ck_assert_str_eq(out, expected);
    }
    template_free(&t);
}
END_TEST

START_TEST(as_many_blanks_as_there_are)
{
    char text[5 * 200 + 1], out[20 * 200];
    struct template t;
    struct complaint why;
    for (int i = 0; i < 200; i++)
        memcpy(text + 5 * i, "{seq}", 5);
    text[1000] = '\0';
    ck_assert(template_make(&t, text, 1000, NULL, &why));
    ck_assert_uint_eq(t.room, sizeof out);
    ck_assert_uint_eq(template_render(&t, 1, 123, out), 600);
    ck_assert_mem_eq(out + 597, "123", 3);
    template_free(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template");
    TCase *tests = tcase_create("template");
    tcase_add_test(tests, numbers_and_plain_text);
    tcase_add_test(tests, random_numbers_stay_in_bounds_and_reach_them);
    tcase_add_test(tests, seed_and_number_decide);
    tcase_add_test(tests, malformed_ones_are_named);
    tcase_add_test(tests, the_length_of_the_body_is_filled_in);
    tcase_add_test(tests, as_many_blanks_as_there_are);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
