/*
 * buf: grows up to its limit and not a byte beyond; a failure is remembered and changes nothing.
 */
#include "common/buf.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void expect(const struct buf *b, const char *text)
{
    ck_assert_uint_eq(b->len, strlen(text));
    ck_assert_msg(memcmp(b->data, text, b->len) == 0, "expected %s, got %.*s", text, (int)b->len,
                  b->data);
}

START_TEST(keeps_what_is_added)
{
    struct buf b;

    buf_init(&b, 4096);
    ck_assert(buf_text(&b, "one "));
    ck_assert(buf_add(&b, "two-three", 3));
    ck_assert(buf_printf(&b, " %s %d", "three", 4));
    expect(&b, "one two three 4");
    ck_assert(!b.failed);
    buf_free(&b);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.limit, 4096);
}
END_TEST

START_TEST(takes_exactly_its_limit)
{
    struct buf b;

    for (size_t limit = 1; limit < 5000; limit += 313) {
        char *block = malloc(limit);

        ck_assert_ptr_nonnull(block);
        memset(block, 'x', limit);
        buf_init(&b, limit);
        ck_assert(buf_add(&b, block, limit - 1));
        ck_assert(buf_add(&b, "y", 1));
        ck_assert_uint_eq(b.len, limit);
        ck_assert_uint_le(b.cap, limit);
        ck_assert(!buf_add(&b, "z", 1));
        ck_assert(b.failed);
        ck_assert_uint_eq(b.len, limit);
        ck_assert_int_eq(b.data[limit - 1], 'y');
        buf_free(&b);
        free(block);
    }
}
END_TEST

START_TEST(remembers_a_failure)
{
    struct buf b;

    buf_init(&b, 8);
    ck_assert(buf_text(&b, "1234"));
    ck_assert(!buf_text(&b, "56789"));
    ck_assert(!buf_text(&b, "5")); /* would fit: but the text would have a hole */
    ck_assert_ptr_null(buf_room(&b, 1));
    ck_assert(!buf_add(&b, "", 0));
    expect(&b, "1234");
    buf_reset(&b, 1024);
    ck_assert(!b.failed);
    ck_assert(buf_text(&b, "12345678"));
    expect(&b, "12345678");
    buf_free(&b);
}
END_TEST

START_TEST(refuses_a_length_that_would_wrap)
{
    struct buf b;

    buf_init(&b, 100);
    ck_assert(buf_text(&b, "x"));
    ck_assert_ptr_null(buf_room(&b, (size_t)-1));
    ck_assert(b.failed);
    buf_free(&b);
}
END_TEST

START_TEST(gives_memory_back_on_reset)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    ck_assert_ptr_nonnull(buf_room(&b, 100000));
    b.len = 100000;
    buf_reset(&b, 4096);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.len, 0);
    ck_assert(buf_text(&b, "small"));
    ck_assert_uint_le(b.cap, 4096);
    char *kept = b.data;
    buf_reset(&b, 4096);
    ck_assert_ptr_eq(b.data, kept);
    ck_assert_uint_eq(b.len, 0);
    buf_free(&b);
}
END_TEST

START_TEST(escapes_for_a_page)
{
    static const char text[] = "a<b> & \"c\" 'd'\n\x7f \xc3\xa4";
    struct buf b;

    buf_init(&b, 200);
    ck_assert(buf_html(&b, text, sizeof(text) - 1));
    expect(&b, "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\xef\xbf\xbd\xef\xbf\xbd \xc3\xa4");
    buf_free(&b);
}
END_TEST

/* A value that is cut short would be worse than none. */
START_TEST(fails_when_a_formatted_text_is_too_long)
{
    static char longest[4000];
    struct buf b;

    memset(longest, 'x', sizeof(longest) - 1);
    buf_init(&b, 100000);
    ck_assert(!buf_printf(&b, "%s", longest));
    ck_assert(b.failed);
    ck_assert_uint_eq(b.len, 0);
    buf_free(&b);
}
END_TEST

START_TEST(escapes_json)
{
    static const char text[] = "a\"b\\c\n\x01\x7f\xe9";
    struct buf b;

    buf_init(&b, 1000);
    ck_assert(buf_json(&b, text, sizeof(text) - 1));
    expect(&b, "a\\\"b\\\\c\\u000a\\u0001\\u007f\\u00e9");
    buf_free(&b);
    buf_init(&b, 4);
    ck_assert(!buf_json(&b, "\n", 1));
    buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("buf");

    tcase_add_test(tcase, keeps_what_is_added);
    tcase_add_test(tcase, takes_exactly_its_limit);
    tcase_add_test(tcase, remembers_a_failure);
    tcase_add_test(tcase, refuses_a_length_that_would_wrap);
    tcase_add_test(tcase, gives_memory_back_on_reset);
    tcase_add_test(tcase, escapes_for_a_page);
    tcase_add_test(tcase, fails_when_a_formatted_text_is_too_long);
    tcase_add_test(tcase, escapes_json);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
