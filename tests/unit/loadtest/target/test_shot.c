/*
 * The bytes of a request.
 */
#include "loadtest/target/shot.h"

#include "unit.h"

#include <check.h>
#include <string.h>

static struct shot build(const struct dress *dress, const char *text)
{
    struct url url;
    struct complaint why;
    struct shot shot;
    ck_assert(url_parse(text, &url, &why));
    ck_assert(shot_build(&shot, dress, &url, INNOCENT, &why));
    ck_assert_uint_eq(strlen(shot.bytes), shot.length);
    return shot;
}

START_TEST(a_plain_get)
{
    struct dress dress = {.method = "GET", .keepalive = true};
    struct shot shot = build(&dress, "http://h:81/p?q");
    ck_assert_str_eq(shot.bytes, "GET /p?q HTTP/1.1\r\nHost: h:81\r\n\r\n");
    ck_assert(!shot.head);
    shot_free(&shot);
}
END_TEST

START_TEST(everything_at_once)
{
    const char *headers[] = {"host: other", "X-A: b"};
    struct dress dress = {
        .method = "POST", .headers = headers, .header_count = 2, .body = "hello", .body_length = 5};
    struct shot shot = build(&dress, "http://h/");
    ck_assert_str_eq(shot.bytes, "POST / HTTP/1.1\r\nhost: other\r\nX-A: b\r\nContent-Length: 5\r\n"
                                 "Connection: close\r\n\r\nhello");
    shot_free(&shot);
}
END_TEST

START_TEST(a_head_is_known_as_one)
{
    struct dress dress = {.method = "HEAD", .keepalive = true};
    struct shot shot = build(&dress, "http://h/");
    ck_assert(shot.head);
    shot_free(&shot);
}
END_TEST

START_TEST(blanks_make_a_template_and_count_in_the_length)
{
    const char *headers[] = {"X-Id: {seq}"};
    struct dress dress = {.method = "PUT",
                          .headers = headers,
                          .header_count = 1,
                          .body = "<{seq}>{other}",
                          .body_length = 14,
                          .keepalive = true};
    char out[256];
    struct shot shot = build(&dress, "http://h/{seq}");
    ck_assert_uint_gt(shot.template.room, 0);
    ck_assert_uint_le(shot.template.room, sizeof out);
    size_t n = template_render(&shot.template, 1, 42, out);
    out[n] = '\0';
    ck_assert_str_eq(out, "PUT /42 HTTP/1.1\r\nHost: h\r\nX-Id: 42\r\nContent-Length: 11\r\n\r\n"
                          "<42>{other}");
    shot_free(&shot);
    dress.body = "{}"; /* the body has no blank, so its length is known */
    dress.body_length = 2;
    shot = build(&dress, "http://h/{seq}");
    n = template_render(&shot.template, 1, 7, out);
    out[n] = '\0';
    ck_assert_str_eq(out, "PUT /7 HTTP/1.1\r\nHost: h\r\nX-Id: 7\r\nContent-Length: 2\r\n\r\n{}");
    shot_free(&shot);
}
END_TEST

START_TEST(braces_without_a_known_name_cost_nothing)
{
    struct dress dress = {
        .method = "POST", .body = "{\"seq\": {}}", .body_length = 11, .keepalive = true};
    struct shot shot = build(&dress, "http://h/{id}");
    ck_assert_uint_eq(shot.template.room, 0);
    ck_assert_ptr_nonnull(strstr(shot.bytes, "POST /{id} "));
    shot_free(&shot);
}
END_TEST

START_TEST(bad_headers_and_methods_are_refused)
{
    ck_assert(header_is_valid("A: b"));
    ck_assert(header_is_valid("A:"));
    ck_assert(!header_is_valid("A b: c"));
    ck_assert(!header_is_valid(": c"));
    ck_assert(!header_is_valid("A"));
    ck_assert(!header_is_valid("A: b\r\nC: d"));
    ck_assert(method_is_valid("PROPFIND"));
    ck_assert(!method_is_valid(""));
    ck_assert(!method_is_valid("G ET"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shot");
    TCase *tests = tcase_create("shot");
    tcase_add_test(tests, a_plain_get);
    tcase_add_test(tests, everything_at_once);
    tcase_add_test(tests, a_head_is_known_as_one);
    tcase_add_test(tests, blanks_make_a_template_and_count_in_the_length);
    tcase_add_test(tests, braces_without_a_known_name_cost_nothing);
    tcase_add_test(tests, bad_headers_and_methods_are_refused);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
