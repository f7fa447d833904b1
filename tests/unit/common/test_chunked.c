/*
 * chunked: every case is fed whole and in pieces of every size, since where the network cuts a body
 * must never change what it says.
 */
#include "common/chunked.h"
#include "common/limits.h"

#include "bytes.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Decodes `text` in pieces of `piece` bytes; stops at the end, at an error or with the text. */
static enum chunked_result decode(const char *text, size_t length, size_t piece, struct bytes *body,
                                  size_t *taken)
{
    enum chunked_result result = CHUNKED_MORE;
    struct chunked k;
    const char *data;
    size_t at = 0, used, run;

    chunked_init(&k);
    while (at < length && result != CHUNKED_END && result != CHUNKED_BAD) {
        size_t n = length - at < piece ? length - at : piece;

        data = NULL;
        run = 0;
        result = chunked_next(&k, text + at, n, &used, &data, &run);
        ck_assert_uint_le(used, n);
        ck_assert(result != CHUNKED_MORE || used == n);
        if (result == CHUNKED_DATA) {
            ck_assert(data >= text + at && data + run == text + at + used);
            bytes_add(body, data, run);
        }
        at += used;
    }
    *taken = at;
    return result;
}

static void expect(const char *text, enum chunked_result wanted, const char *body)
{
    size_t length = strlen(text), taken;

    for (size_t piece = 1; piece <= length; piece++) {
        struct bytes got = {0};
        enum chunked_result result = decode(text, length, piece, &got, &taken);

        ck_assert_msg(result == wanted, "%s in pieces of %zu: result %d", text, piece, result);
        if (body != NULL)
            ck_assert_msg(got.length == strlen(body) &&
                              memcmp(got.at ? got.at : "", body, got.length) == 0,
                          "%s in pieces of %zu: body %s", text, piece, got.at);
        bytes_free(&got);
    }
}

static const struct {
    const char *text;
    const char *body;
} whole[] = {
    {"0\r\n\r\n", ""},
    {"5\r\nhello\r\n0\r\n\r\n", "hello"},
    {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
    {"00A\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
    {"a\r\n\r\n0\r\n\r\n123\r\n0\r\n\r\n", "\r\n0\r\n\r\n123"}, /* looks like an end, and is data */
    {"5;name=value\r\nhello\r\n0\r\n\r\n", "hello"},
    {"5;a=\"b;c\"\r\nhello\r\n0;last\r\n\r\n", "hello"},
    {"5 \t;a\r\nhello\r\n0\r\n\r\n", "hello"},
    {"5\r\nhello\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "hello"},
};

START_TEST(decodes)
{
    expect(whole[_i].text, CHUNKED_END, whole[_i].body);
}
END_TEST

static const char *const broken[] = {
    "\r\n",
    " 5\r\nhello\r\n",
    "-5\r\nhello\r\n",
    "+5\r\nhello\r\n",
    "0x5\r\nhello\r\n",
    "g\r\n",
    "5\nhello\r\n",
    "5\r\rhello",
    "5\r\nhelloX\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "3\r\nhello\r\n0\r\n\r\n",
    "5;a\nb\r\nhello\r\n",
    "5;a\x01\r\nhello\r\n",
    "5;a\rb\r\nhello\r\n",
    "5 \r\nhello\r\n",
    "5 6\r\nhello\r\n",
    "5 hello\r\nhello\r\n",
    "0\r\n\n",
    "0\r\nContent-Length: 5\r\n\r\n",
    "0\r\nX: 1\r\nhost: other\r\n\r\n",
    "0\r\n: x\r\n\r\n",
    "0\r\nno colon\r\n\r\n",
    "0\r\nX: a\nY: b\r\n\r\n",
    "0\r\nX: a\x01\r\n\r\n",
    "0\r\n folded\r\n\r\n",
    "10000000000000005\r\nhello\r\n",
    "FFFFFFFFFFFFFFFFF\r\nhello\r\n",
    "ffffffffffffffff\r\nhello\r\n",
};

START_TEST(refuses)
{
    expect(broken[_i], CHUNKED_BAD, NULL);
}
END_TEST

START_TEST(wants_more_of_a_part)
{
    static const char text[] = "5\r\nhello\r\n0\r\nX: y\r\n\r\n";

    for (size_t length = 1; length < sizeof(text) - 1; length++) {
        struct bytes got = {0};
        size_t taken;
        enum chunked_result result = decode(text, length, 1, &got, &taken);

        ck_assert_msg(result == CHUNKED_MORE || result == CHUNKED_DATA, "after %zu bytes: %d",
                      length, result);
        ck_assert_uint_eq(taken, length);
        bytes_free(&got);
    }
}
END_TEST

/* What follows the last chunk is the next request: not a byte of it may be taken. */
START_TEST(leaves_what_is_not_its_own)
{
    static const char text[] = "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n";

    for (size_t piece = 1; piece < sizeof(text); piece++) {
        struct bytes got = {0};
        size_t taken;

        ck_assert_int_eq(decode(text, sizeof(text) - 1, piece, &got, &taken), CHUNKED_END);
        ck_assert_str_eq(text + taken, "GET / HTTP/1.1\r\n");
        bytes_free(&got);
    }
}
END_TEST

START_TEST(bounds_extensions_and_trailers)
{
    static const char *const fronts[] = {"1;", "0\r\nX:"};

    for (size_t i = 0; i < 2; i++) {
        struct bytes text = {0}, got = {0};
        size_t taken;

        bytes_add_text(&text, fronts[i]);
        for (int n = 0; n < LIMIT_CHUNK_OVERHEAD - 10; n++)
            bytes_add(&text, "x", 1);
        ck_assert_int_eq(decode(text.at, text.length, 1000, &got, &taken), CHUNKED_MORE);
        for (int n = 0; n < 20; n++)
            bytes_add(&text, "x", 1);
        ck_assert_int_eq(decode(text.at, text.length, 1000, &got, &taken), CHUNKED_BAD);
        bytes_free(&text);
        bytes_free(&got);
    }
}
END_TEST

START_TEST(stays_broken)
{
    struct chunked k;
    const char *data;
    size_t used, run;

    chunked_init(&k);
    ck_assert_int_eq(chunked_next(&k, "x", 1, &used, &data, &run), CHUNKED_BAD);
    ck_assert_int_eq(chunked_next(&k, "0\r\n\r\n", 5, &used, &data, &run), CHUNKED_BAD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chunked");
    TCase *tcase = tcase_create("chunked");

    tcase_add_loop_test(tcase, decodes, 0, (int)(sizeof(whole) / sizeof(whole[0])));
    tcase_add_loop_test(tcase, refuses, 0, (int)(sizeof(broken) / sizeof(broken[0])));
    tcase_add_test(tcase, wants_more_of_a_part);
    tcase_add_test(tcase, leaves_what_is_not_its_own);
    tcase_add_test(tcase, bounds_extensions_and_trailers);
    tcase_add_test(tcase, stays_broken);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
