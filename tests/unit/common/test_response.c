/*
 * response: a handler can ask for nonsense, but nonsense never reaches the wire.
 */
#include "common/limits.h"
#include "common/response.h"

#include "unit.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct response response;
static struct buf out;

static void set_up(void)
{
    response_open(&response);
    buf_init(&out, 65536);
}

static void tear_down(void)
{
    response_close(&response);
    buf_free(&out);
}

/* The head as text; valid until the next call. */
static const char *head(bool close_after, bool is_old)
{
    struct response_context about = {.date = "NOW", .close = close_after, .is_old = is_old};

    buf_reset(&out, 65536);
    ck_assert(response_head(&out, &response, &about));
    ck_assert(buf_add(&out, "", 1));
    return out.data;
}

START_TEST(is_a_plain_200_at_first)
{
    ck_assert_str_eq(head(false, false), "HTTP/1.1 200 OK\r\nServer: tandem\r\nDate: NOW\r\n"
                                         "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(says_what_the_handler_said)
{
    response_status(&response, 404);
    response_type(&response, "text/html");
    ck_assert(response_header(&response, "X-One", "two three"));
    ck_assert(response_write(&response, "body", 4));
    ck_assert(!response.failed);
    ck_assert_str_eq(head(true, false),
                     "HTTP/1.1 404 Not Found\r\nServer: tandem\r\nDate: NOW\r\n"
                     "Content-Type: text/html\r\nContent-Length: 4\r\nX-One: two three\r\n"
                     "Connection: close\r\n\r\n");
}
END_TEST

START_TEST(says_how_the_connection_goes_on)
{
    ck_assert_ptr_null(strstr(head(false, false), "Connection"));
    ck_assert_ptr_nonnull(strstr(head(false, true), "\r\nConnection: keep-alive\r\n"));
    ck_assert_ptr_nonnull(strstr(head(true, true), "\r\nConnection: close\r\n"));
    ck_assert_ptr_null(strstr(head(true, true), "keep-alive"));
}
END_TEST

START_TEST(says_for_how_long_to_come_by_tls_only)
{
    static char value[1000]; /* more than there is room for all else */
    char line[1100];
    struct response_context about = {.date = "NOW", .hsts = "max-age=63072000"};

    ck_assert_ptr_null(strstr(head(false, false), "Strict-Transport-Security"));
    buf_reset(&out, 65536);
    ck_assert(response_head(&out, &response, &about) && buf_add(&out, "", 1));
    ck_assert_ptr_nonnull(strstr(out.data, "\r\nStrict-Transport-Security: max-age=63072000\r\n"));
    memset(value, 'x', sizeof(value) - 1);
    snprintf(line, sizeof(line), "\r\nStrict-Transport-Security: %s\r\n", value);
    about.hsts = value;
    buf_reset(&out, 65536);
    ck_assert(response_head(&out, &response, &about) && buf_add(&out, "", 1));
    ck_assert_ptr_nonnull(strstr(out.data, line));
}
END_TEST

START_TEST(has_no_length_where_there_is_no_body)
{
    response_status(&response, 304);
    ck_assert_ptr_null(strstr(head(false, false), "Content-"));
    response_status(&response, 204);
    ck_assert_ptr_null(strstr(head(false, false), "Content-"));
}
END_TEST

START_TEST(takes_no_line_break_into_a_field)
{
    static const char *const names[] = {"", "A B", "A:", "A\r\nB", "\x01", "caf\xe9", "(A)"};
    static const char *const values[] = {"a\r\nSet-Cookie: x", "a\nb", "a\rb", "\x01", "\x7f"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_msg(!response_header(&response, names[i], "x"), "%s", names[i]);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        ck_assert_msg(!response_header(&response, "A", values[i]), "%s", values[i]);
    ck_assert_uint_eq(response.headers.len, 0);
    ck_assert(response_header(&response, "A", "a\tb caf\xe9"));
    ck_assert(!response.failed);
}
END_TEST

START_TEST(fails_on_what_cannot_be_said)
{
    char type[200];

    response_status(&response, 99);
    ck_assert(response.failed);
    response_reset(&response);
    response_status(&response, 600);
    ck_assert(response.failed);
    response_reset(&response);
    ck_assert(!response.failed);
    response_type(&response, "text/x\r\nX: y");
    ck_assert(response.failed);
    response_reset(&response);
    memset(type, 'x', sizeof(type));
    type[199] = '\0';
    response_type(&response, type);
    ck_assert(response.failed);
    ck_assert_str_eq(response.type, "text/plain");
}
END_TEST

START_TEST(has_room_up_to_its_limit)
{
    static char block[1 << 20];

    for (int i = 0; i < LIMIT_RESPONSE >> 20; i++)
        ck_assert(response_write(&response, block, sizeof(block)));
    ck_assert(!response_write(&response, "x", 1));
    ck_assert(response.failed);
    response_reset(&response);
    ck_assert_uint_le(response.body.cap, 1 << 20);
    ck_assert(response_write(&response, "x", 1));
}
END_TEST

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(owns_the_file_it_is_given)
{
    int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int second = open("/dev/null", O_RDONLY | O_CLOEXEC);

    response_file(&response, first, 0, 10);
    ck_assert_uint_eq(response_length(&response), 10);
    response_file(&response, second, 5, 20);
    ck_assert(!is_open(first));
    ck_assert_uint_eq(response_length(&response), 20);
    ck_assert_ptr_nonnull(strstr(head(false, false), "Content-Length: 20\r\n"));
    response_reset(&response);
    ck_assert(!is_open(second));
    ck_assert_uint_eq(response_length(&response), 0);
}
END_TEST

START_TEST(tells_a_problem)
{
    ck_assert(response_header(&response, "X-Half", "made"));
    ck_assert(response_write(&response, "half an answer", 14));
    response_problem(&response, PROBLEM_JSON, 500, "a \"quoted\" cause", "id-1");
    ck_assert_str_eq(response.type, "application/problem+json");
    ck_assert(buf_add(&response.body, "", 1));
    ck_assert_str_eq(response.body.data,
                     "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\",\"status\":500,"
                     "\"detail\":\"a \\\"quoted\\\" cause\",\"request\":\"id-1\"}\n");
    ck_assert_ptr_null(strstr(head(false, false), "X-Half"));
}
END_TEST

START_TEST(describes_an_error_to_people)
{
    response_problem(&response, PROBLEM_HTML, 504, "<slow> & 'odd'", "id-2");
    ck_assert_str_eq(response.type, "text/html; charset=utf-8");
    ck_assert(buf_add(&response.body, "", 1));
    ck_assert_ptr_nonnull(strstr(response.body.data, "<h1>504 Gateway Timeout</h1>"));
    ck_assert_ptr_nonnull(strstr(response.body.data, "<p>&lt;slow&gt; &amp; &#39;odd&#39;</p>"));
    ck_assert_ptr_nonnull(strstr(response.body.data, "Request id-2"));
    ck_assert_ptr_nonnull(strstr(head(false, false), "Vary: Accept\r\n"));
}
END_TEST

START_TEST(names_statuses)
{
    ck_assert_str_eq(status_phrase(200), "OK");
    ck_assert_str_eq(status_phrase(504), "Gateway Timeout");
    ck_assert_str_eq(status_phrase(299), "Unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("response");
    TCase *tcase = tcase_create("response");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, is_a_plain_200_at_first);
    tcase_add_test(tcase, says_what_the_handler_said);
    tcase_add_test(tcase, says_how_the_connection_goes_on);
    tcase_add_test(tcase, says_for_how_long_to_come_by_tls_only);
    tcase_add_test(tcase, has_no_length_where_there_is_no_body);
    tcase_add_test(tcase, takes_no_line_break_into_a_field);
    tcase_add_test(tcase, fails_on_what_cannot_be_said);
    tcase_add_test(tcase, has_room_up_to_its_limit);
    tcase_add_test(tcase, owns_the_file_it_is_given);
    tcase_add_test(tcase, tells_a_problem);
    tcase_add_test(tcase, describes_an_error_to_people);
    tcase_add_test(tcase, names_statuses);
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
