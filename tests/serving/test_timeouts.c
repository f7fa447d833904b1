/*
 * What happens when nothing happens: each time-out at its time, with its answer, in both models.
 *
 * Bounds below are loose above (a busy machine) and strict beneath (no time-out may come early).
 */
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT_MS = 600, LATE_MS = 1500 };

#define SHORT "600ms"

/* Runs until something comes; it must have come between SHORT_MS and LATE_MS after `start`. */
static enum wire_event await(struct wire *wire, struct reply *reply, int64_t start,
                             const char *what)
{
    enum wire_event event = wire_read(wire, reply, patience(10000));
    int took = (int)(now_ms() - start);

    ck_assert_msg(event != WIRE_SILENCE, "%s: nothing happens", what);
    ck_assert_msg(took >= SHORT_MS - 50, "%s: too early, after %d ms", what, took);
    ck_assert_msg(took <= SHORT_MS + patience(LATE_MS), "%s: too late, after %d ms", what, took);
    return event;
}

static void expect_status_then_end(struct wire *wire, int status, int64_t start, const char *what)
{
    struct reply reply = {0};
    enum wire_event event = await(wire, &reply, start, what);

    ck_assert_msg(event == WIRE_REPLY, "%s: %s", what, wire_event_name(event));
    ck_assert_msg(reply.status == status, "%s: %s", what, reply.head);
    wire_expect_end(wire, patience(5000), what);
}

START_TEST(half_a_head_gets_408)
{
    struct server server;
    struct wire wire;
    int64_t start;

    server_start(&server, _i, OPTIONS("--header-timeout", SHORT));
    wire = wire_open(server.port);
    start = now_ms();
    ck_assert(wire_sendf(&wire, "GET /one.txt HTTP/1.1\r\nHo"));
    expect_status_then_end(&wire, 408, start, server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* The time-out is for the whole head: a byte now and then does not prolong it. */
START_TEST(a_dribbled_head_gets_408)
{
    struct server server;
    struct reply reply;
    struct wire wire;
    int64_t start;
    int status = 0;

    server_start(&server, _i, OPTIONS("--header-timeout", SHORT));
    wire = wire_open(server.port);
    start = now_ms();
    ck_assert(wire_sendf(&wire, "GET /one.txt HTTP/1.1\r\nX: "));
    while (status == 0 && now_ms() - start < SHORT_MS + patience(LATE_MS)) {
        (void)wire_send(&wire, "x", 1);
        if (wire_read(&wire, &reply, 50) == WIRE_REPLY)
            status = reply.status;
    }
    ck_assert_int_eq(status, 408);
    ck_assert_int_ge(now_ms() - start, SHORT_MS - 50);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(half_a_body_gets_408)
{
    struct server server;
    struct wire wire;
    int64_t start;

    server_start(&server, _i, OPTIONS("--body-timeout", SHORT, "--enable-demo"));
    wire = wire_open(server.port);
    start = now_ms();
    ck_assert(
        wire_sendf(&wire, "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf"));
    expect_status_then_end(&wire, 408, start, server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(an_idle_connection_is_closed_in_silence)
{
    struct server server;
    struct reply reply;
    struct wire wire, unused;
    int64_t start;

    server_start(&server, _i, OPTIONS("--idle-timeout", SHORT, "--header-timeout", SHORT));
    start = now_ms();
    unused = wire_open(server.port); /* never asks for anything */
    wire = wire_open(server.port);
    wire_expect_usable(&wire, "before");
    ck_assert_int_eq(await(&wire, &reply, start, "served, then idle"), WIRE_CLOSED);
    ck_assert_int_eq(await(&unused, &reply, start, "never used"), WIRE_CLOSED);
    wire_close(&wire);
    wire_close(&unused);
    server_stop_clean(&server);
}
END_TEST

START_TEST(a_request_begins_the_idle_time_anew)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--idle-timeout", "1s"));
    wire = wire_open(server.port);
    for (int i = 0; i < 8; i++) {
        wire_expect_usable(&wire, "now and then");
        pause_ms(250);
    }
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* Half an answer must not look like a whole one: RST, never FIN. */
START_TEST(a_client_that_takes_nothing_is_reset)
{
    struct server server;
    struct wire wire;
    struct reply reply;

    server_start(&server, _i, OPTIONS("--write-timeout", SHORT));
    wire = wire_open_narrow(server.port);
    ck_assert(wire_send_get(&wire, "/big.bin"));
    pause_ms(SHORT_MS + patience(LATE_MS) / 2);
    ck_assert_int_eq(wire_read(&wire, &reply, patience(5000)), WIRE_CUT);
    ck_assert(wire.was_reset);
    ck_assert_uint_lt(wire.inbox.length, BIG_SIZE);
    wire_close(&wire);
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    server_stop_clean(&server);
}
END_TEST

START_TEST(a_request_that_takes_too_long_gets_504)
{
    struct server server;
    struct reply reply = {0};
    struct wire wire;
    char type[128];
    int64_t start;

    server_start(&server, _i, OPTIONS("--request-timeout", SHORT, "--enable-faults"));
    wire = wire_open(server.port);
    start = now_ms();
    ck_assert(wire_send_get(&wire, "/fault/hang"));
    ck_assert_int_eq(await(&wire, &reply, start, server.subject->name), WIRE_REPLY);
    ck_assert_msg(reply.status == 504, "%s", reply.head);
    ck_assert_ptr_nonnull(reply_field(&reply, "Content-Type", type, sizeof(type)));
    ck_assert_str_eq(type, "application/problem+json");
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    wire_close(&wire);
    server_stop_noisy(&server);
}
END_TEST

/* A handler that is slow, but not too slow, is left in peace. */
START_TEST(a_request_within_its_time_is_answered)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i,
                 OPTIONS("--request-timeout", "3s", "--idle-timeout", "300ms", "--header-timeout",
                         "300ms", "--write-timeout", "300ms", "--enable-demo"));
    wire = wire_open(server.port);
    wire_expect_get(&wire, "/work?sleep=1000&bytes=10", 200, server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeouts");
    TCase *tcase = tcase_create("timeouts");

    add_for_each_subject(tcase, half_a_head_gets_408);
    add_for_each_subject(tcase, a_dribbled_head_gets_408);
    add_for_each_subject(tcase, half_a_body_gets_408);
    add_for_each_subject(tcase, an_idle_connection_is_closed_in_silence);
    add_for_each_subject(tcase, a_request_begins_the_idle_time_anew);
    add_for_each_subject(tcase, a_client_that_takes_nothing_is_reset);
    add_for_each_subject(tcase, a_request_that_takes_too_long_gets_504);
    add_for_each_subject(tcase, a_request_within_its_time_is_answered);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
