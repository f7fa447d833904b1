/*
 * http1: heads as bytes.  Each head is also cut at every boundary: a beginning of a good head is a
 * good beginning, and no cut makes a bad head pass.
 */
#include "common/http1.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct options options;
static struct request request;

static void set_up(void)
{
    options = (struct options){
        .max_uri = 200, .max_header = 1000, .max_headers = 10, .max_body = 1000000};
    ck_assert(request_open(&request, options.max_headers, options.max_uri));
}

static void tear_down(void)
{
    request_close(&request);
}

/* The bytes lie in memory of exactly their size, so that reading on is noticed. */
static int parse(const char *text, size_t n)
{
    char *copy = malloc(n + (n == 0));
    int result;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, n);
    result = http1_parse(&options, copy, n, &request);
    free(copy);
    return result;
}

#define HOST "Host: test\r\n"

static const struct {
    const char *head;
    int status; /* 0: good */
} heads[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", 0},
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0},
    {"GET / HTTP/1.0\r\n\r\n", 0},
    {"GET http://test/a?b HTTP/1.1\r\n" HOST "\r\n", 0},
    {"GET http://test HTTP/1.1\r\n" HOST "\r\n", 0},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\n" HOST "X: caf\xe9\r\nY:\r\nZ:\t z \t\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 0},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"GET / HTTP/1.1\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: test\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: te\rst\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n " HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : test\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: \x7f\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\r\n" HOST "\r\n", 400},
    {"GET a HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\xe9 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /../x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / http/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.10\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.2\r\n" HOST "\r\n", 505},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"GET / HTTP/0.9\r\n" HOST "\r\n", 505},
    {"CONNECT test:80 HTTP/1.1\r\n" HOST "\r\n", 501},
    {"AMETHODTHATISMUCHTOOLONGFORUS / HTTP/1.1\r\n" HOST "\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1000001\r\n\r\n", 413},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1,1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" HOST "Expect: miracles\r\n\r\n", 417},
};

/* llhttp judges some of these before we do, with another of the statuses that the RFC allows. */
static bool is_refused_as(int got, int wanted)
{
    return got == wanted || (wanted == 501 && got == 400);
}

START_TEST(judges_a_head)
{
    const char *head = heads[_i].head;
    size_t n = strlen(head);
    int result = parse(head, n);

    if (heads[_i].status == 0)
        ck_assert_msg(result == HTTP1_OK, "%s: %d", head, result);
    else
        ck_assert_msg(is_refused_as(result, heads[_i].status), "%s: %d", head, result);
    for (size_t cut = 0; cut < n; cut++) {
        result = parse(head, cut);
        ck_assert_msg(result != HTTP1_OK, "%.*s passes", (int)cut, head);
        if (heads[_i].status == 0)
            ck_assert_msg(result == HTTP1_MORE, "%.*s: %d", (int)cut, head, result);
    }
}
END_TEST

static void expect_span(const char *at, size_t n, const char *text)
{
    ck_assert_msg(n == strlen(text) && memcmp(at, text, n) == 0, "%.*s instead of %s", (int)n, at,
                  text);
}

START_TEST(fills_in_the_request)
{
    static const char head[] = "POST /a%20b?x=1 HTTP/1.1\r\nHost: test\r\nX-One:  two \r\n"
                               "Expect: 100-continue\r\nContent-Length: 17\r\n\r\nGET / HTTP";

    ck_assert_int_eq(http1_parse(&options, head, sizeof(head) - 1, &request), HTTP1_OK);
    ck_assert_str_eq(request.method, "POST");
    ck_assert_str_eq(request.path, "/a b");
    expect_span(request.target, request.target_len, "/a%20b?x=1");
    expect_span(request.query, request.query_len, "x=1");
    expect_span(request.line, request.line_len, "POST /a%20b?x=1 HTTP/1.1");
    ck_assert_str_eq(head + request.head_len, "GET / HTTP");
    ck_assert_uint_eq(request.field_count, 4);
    expect_span(request.fields[1].name, request.fields[1].name_len, "X-One");
    expect_span(request.fields[1].value, request.fields[1].value_len, "two");
    ck_assert_uint_eq(request.content_length, 17);
    ck_assert(request.keep_alive && request.expects_continue);
    ck_assert(!request.is_chunked && !request.is_head && !request.is_old);
}
END_TEST

static const struct {
    const char *head;
    bool keep_alive;
} lives[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
    {"GET / HTTP/1.1\r\n" HOST "Connection: x, CLOSE\r\n\r\n", false},
    {"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
    {"GET / HTTP/1.0\r\n\r\n", false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
};

START_TEST(knows_whether_the_connection_is_kept)
{
    ck_assert_int_eq(parse(lives[_i].head, strlen(lives[_i].head)), HTTP1_OK);
    ck_assert_int_eq(request.keep_alive, lives[_i].keep_alive);
}
END_TEST

/* A head that never ends is refused once it is too large, by what it is too large in. */
START_TEST(does_not_wait_for_what_is_too_large)
{
    char text[1100];

    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    ck_assert_int_eq(parse(text, 150), HTTP1_MORE);
    ck_assert_int_eq(parse(text, 400), 414);
    memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
    ck_assert_int_eq(parse(text, 999), HTTP1_MORE);
    ck_assert_int_eq(parse(text, 1000), 431);
}
END_TEST

START_TEST(counts_fields)
{
    char text[1000] = "GET / HTTP/1.1\r\n" HOST;

    for (int i = 1; i < 10; i++)
        strcat(text, "X: y\r\n");
    strcat(text, "\r\n");
    ck_assert_int_eq(parse(text, strlen(text)), HTTP1_OK);
    ck_assert_uint_eq(request.field_count, 10);
    text[strlen(text) - 2] = '\0';
    strcat(text, "X: y\r\n\r\n");
    ck_assert_int_eq(parse(text, strlen(text)), 431);
}
END_TEST

/* Nothing that the network can send may do more than be refused. */
START_TEST(survives_noise)
{
    static const char base[] =
        "POST /a?b HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nX: y\r\n\r\n";
    char text[sizeof(base)];
    unsigned dice = 1;
    int good = 0;

    for (int i = 0; i < 200000; i++) {
        memcpy(text, base, sizeof(base));
        for (int n = 0; n < 1 + i % 3; n++) {
            dice = dice * 1103515245u + 12345u;
            text[(dice >> 8) % (sizeof(base) - 1)] = (char)(dice >> 20);
        }
        good += parse(text, sizeof(base) - 1) == HTTP1_OK;
    }
    ck_assert_int_gt(good, 100); /* else the noise hides what is behind it */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1");
    TCase *tcase = tcase_create("http1");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, judges_a_head, 0, COUNT(heads));
    tcase_add_test(tcase, fills_in_the_request);
    tcase_add_loop_test(tcase, knows_whether_the_connection_is_kept, 0, COUNT(lives));
    tcase_add_test(tcase, does_not_wait_for_what_is_too_large);
    tcase_add_test(tcase, counts_fields);
    tcase_add_test(tcase, survives_noise);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
