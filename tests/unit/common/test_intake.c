/*
 * intake: what a worker has taken out of the stash, to run it, is there no more; what comes after it
 * is.  All workers can read the stash.  (That requests are read rightly, however they are cut, is
 * shown with whole servers: conformance.)
 */
#include "common/intake.h"
#include "common/worker.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NUMBERS = 256, STASH = 16384 + 65536, ME = 1 };

#define FIRST "POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\n"
#define SECOND "GET /b HTTP/1.1\r\nHost: t\r\nX-Second: storm\r\n\r\n"

static struct server server;
static struct worker worker;
static struct conn *conn;
static int client;

static void set_up(void)
{
    int pair[2];

    server = (struct server){.slots = 1};
    server.options.max_header = 16384;
    server.options.max_headers = 64;
    server.options.max_uri = 1024;
    server.options.max_body = 1 << 20;
    server.options.body_rate = 1024;
    ck_assert_ptr_nonnull(server.board = scoreboard_open(1));
    ck_assert_ptr_nonnull(server.tallies = tallies_open(1));
    ck_assert(conn_table_open(&server.table, NUMBERS, STASH));
    ck_assert(worker_open(&worker, &server, ME));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    client = pair[1];
    conn = conn_open(&server.table, pair[0], ME);
    ck_assert_ptr_nonnull(conn);
}

static void tear_down(void)
{
    close(client);
    close(conn_fd(&server.table, conn));
    worker_close(&worker);
    conn_table_close(&server.table);
    scoreboard_close(server.board, 1);
    tallies_close(server.tallies, 1);
}

static enum intake_result look(void)
{
    int status = 0;

    worker.drained = false;
    request_reset(&worker.request);
    return intake_request(&worker, conn, &status);
}

static enum intake_result look_at(const char *bytes)
{
    ck_assert_int_eq(write(client, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    return look();
}

static bool stash_holds(const char *text)
{
    return memmem(conn_stash(&server.table, conn), STASH, text, strlen(text)) != NULL;
}

static void expect_first(void)
{
    ck_assert_str_eq(worker.request.path, "/a");
    ck_assert_uint_eq(worker.request.body.length, 6);
    ck_assert_mem_eq(worker.request.body.data, "secret", 6);
}

START_TEST(keeps_no_body_that_came_in_pieces)
{
    ck_assert_int_eq(look_at(FIRST "sec"), INTAKE_WAIT);
    ck_assert(stash_holds("sec"));
    ck_assert_int_eq(look_at("ret"), INTAKE_WHOLE);
    expect_first();
    ck_assert(!stash_holds("secret"));
    ck_assert(!stash_holds("POST"));
}
END_TEST

START_TEST(keeps_no_head_that_came_in_pieces)
{
    ck_assert_int_eq(look_at("GET /a HTTP/1.1\r\nHost: secret\r\n"), INTAKE_WAIT);
    ck_assert(stash_holds("secret"));
    ck_assert_int_eq(look_at("\r\n"), INTAKE_WHOLE);
    ck_assert_str_eq(worker.request.path, "/a");
    ck_assert(!stash_holds("secret"));
}
END_TEST

/* Three that came together: of each that runs, nothing is left, and all that follows is. */
START_TEST(keeps_what_follows_and_nothing_before_it)
{
    ck_assert_int_eq(look_at(SECOND FIRST "secret" SECOND), INTAKE_WHOLE);
    ck_assert_str_eq(worker.request.path, "/b");
    ck_assert(stash_holds(FIRST "secret" SECOND));
    ck_assert_int_eq(look(), INTAKE_WHOLE);
    expect_first();
    ck_assert(!stash_holds("secret"));
    ck_assert(!stash_holds("POST"));
    ck_assert(stash_holds(SECOND));
    ck_assert_int_eq(look(), INTAKE_WHOLE);
    ck_assert_str_eq(worker.request.path, "/b");
    ck_assert(!stash_holds("storm"));
    ck_assert_int_eq(look(), INTAKE_WAIT);
}
END_TEST

/* What follows is shorter than what was there: its end is not the end of the other. */
START_TEST(wipes_what_reaches_beyond_what_follows)
{
    ck_assert_int_eq(
        look_at("GET /a HTTP/1.1\r\nHost: t\r\nX: 0123456789012345678901234567890123456789 "
                "secret\r\n"),
        INTAKE_WAIT);
    ck_assert(stash_holds("secret"));
    ck_assert_int_eq(look_at("\r\nGET /b HTTP/1.1\r\n"), INTAKE_WHOLE);
    ck_assert_str_eq(worker.request.path, "/a");
    ck_assert(!stash_holds("secret"));
    ck_assert(stash_holds("GET /b HTTP/1.1\r\n"));
    ck_assert_int_eq(look_at("Host: t\r\n\r\n"), INTAKE_WHOLE);
    ck_assert_str_eq(worker.request.path, "/b");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intake");
    TCase *tcase = tcase_create("intake");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, keeps_no_body_that_came_in_pieces);
    tcase_add_test(tcase, keeps_no_head_that_came_in_pieces);
    tcase_add_test(tcase, keeps_what_follows_and_nothing_before_it);
    tcase_add_test(tcase, wipes_what_reaches_beyond_what_follows);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
