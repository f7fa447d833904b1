/*
 * The end of a server: what was begun is finished, nothing new begins, nothing is left.
 */
#include "patience.h"
#include "proc.h"
#include "program.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_TIME = 1000 /* ms: LIMIT_DRAIN_IDLE_TIME */ };

static bool port_is_refused(void *subject)
{
    struct wire wire;

    if (!wire_try_open(&wire, ((struct server *)subject)->port))
        return true;
    wire_close(&wire);
    return false;
}

static int await_exit(const struct server *server)
{
    return program_end(server->pid, patience(10000));
}

static void expect_told(const struct reply *reply, bool is_last)
{
    char value[64] = "";
    reply_field(reply, "Connection", value, sizeof(value));
    ck_assert_str_eq(value, is_last ? "close" : "");
}

/* A request in its handler, one half sent, one idle connection: then the signal. The next request of the
 * idle one may be on its way: it stays open for a moment. */
static void drain_by(int subject, int signal_number)
{
    struct wire working, sending, idle;
    struct server server;
    struct reply reply;
    int64_t start;

    server_start(&server, subject, OPTIONS("--enable-demo", "--workers", "4"));
    working = wire_open(server.port);
    sending = wire_open(server.port);
    idle = wire_open(server.port);
    wire_expect_usable(&idle, "before the signal");
    ck_assert(wire_send_get(&working, "/work?sleep=800&bytes=100"));
    ck_assert(
        wire_sendf(&sending, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nab"));
    pause_ms(patience(100));
    start = now_ms();
    kill(server.pid, signal_number);
    ck_assert_msg(eventually(port_is_refused, &server, patience(600)),
                  "%s: still takes connections", server.subject->name);
    ck_assert(wire_sendf(&sending, "cd"));
    reply = wire_expect(&sending, 200, "the half-sent request");
    ck_assert_str_eq(reply.body, "abcd");
    wire_expect_end(&sending, patience(5000), "behind the half-sent request");
    reply = wire_expect(&working, 200, "the request in its handler");
    ck_assert_uint_eq(reply.length, 100);
    expect_told(&reply, true);
    wire_expect_end(&working, patience(5000), "behind the last answer");
    wire_expect_end(&idle, IDLE_TIME + patience(600), "an idle connection");
    wire_close(&working);
    wire_close(&sending);
    wire_close(&idle);
    ck_assert_int_eq(await_exit(&server), 0);
    ck_assert_int_le(now_ms() - start, patience(4000));
}

START_TEST(term_drains)
{
    drain_by(_i, SIGTERM);
}
END_TEST

START_TEST(int_drains)
{
    drain_by(_i, SIGINT);
}
END_TEST

static bool says_that_it_drains(void *subject)
{
    return fetch_status(((struct server *)subject)->admin, "/readyz", patience(2000)) == 503;
}

/* What was on its way is answered, and the answer says that it was the last. The port itself is not asked
 * whether it is open: whoever connects in the moment of its end waits a second for the refusal, and that is
 * what an idle connection has. */
START_TEST(the_next_request_is_answered)
{
    struct server server;
    struct wire wire;
    struct reply reply;

    server_start(&server, _i, OPTIONS("--admin", "127.0.0.1:0"));
    wire = wire_open(server.port);
    wire_expect_usable(&wire, "before the signal");
    kill(server.pid, SIGTERM);
    ck_assert(eventually(says_that_it_drains, &server, patience(1000)));
    reply = wire_expect_get(&wire, "/one.txt", 200, "during the drain");
    expect_told(&reply, true);
    wire_expect_end(&wire, patience(1000), "behind the last answer");
    wire_close(&wire);
    ck_assert_int_eq(await_exit(&server), 0);
}
END_TEST

/* Who watches is told first; who is served notices nothing yet. Then the door is shut, and only --admin
 * goes on to tell. */
START_TEST(one_after_the_other)
{
    struct server server;
    struct wire kept, working;
    struct reply reply;

    server_start(&server, _i,
                 OPTIONS("--enable-demo", "--workers", "4", "--drain-delay", "1s", "--admin",
                         "127.0.0.1:0"));
    kept = wire_open(server.port);
    wire_expect_usable(&kept, "before the signal");
    ck_assert_int_eq(fetch_status(server.admin, "/readyz", patience(2000)), 200);
    kill(server.pid, SIGTERM);
    pause_ms(patience(100));
    ck_assert_int_eq(fetch_status(server.admin, "/readyz", patience(2000)), 503);
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(2000)), 200);
    reply = wire_expect_get(&kept, "/one.txt", 200, "during the delay");
    if (!build_is_slow()) /* else the delay may be over */
        expect_told(&reply, false);
    working = wire_open(server.port);
    ck_assert(wire_send_get(&working, "/work?sleep=1500"));
    ck_assert(eventually(port_is_refused, &server, patience(3000)));
    ck_assert_int_eq(fetch_status(server.admin, "/readyz", patience(2000)), 503);
    ck_assert_int_eq(fetch_status(server.admin, "/metrics", patience(2000)), 200);
    reply = wire_expect(&working, 200, "begun during the delay");
    expect_told(&reply, true);
    wire_close(&kept);
    wire_close(&working);
    ck_assert_int_eq(await_exit(&server), 0);
    ck_assert(port_is_free(server.admin));
}
END_TEST

START_TEST(a_second_signal_does_not_await_the_delay)
{
    struct server server;
    int64_t start = now_ms();

    server_start(&server, _i, OPTIONS("--drain-delay", "20s"));
    kill(server.pid, SIGTERM);
    pause_ms(patience(100));
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(2000)), 200);
    kill(server.pid, SIGTERM);
    ck_assert_int_eq(await_exit(&server), 0);
    ck_assert_int_le(now_ms() - start, patience(5000));
}
END_TEST

static bool is_served(void *subject)
{
    return fetch_status(((struct server *)subject)->port, "/one.txt", patience(2000)) == 200;
}

/* Those who have not been told yet are served whatever happens, and a crash is no reason for another
 * exit code. */
START_TEST(a_crash_during_the_delay)
{
    struct server server;

    server_start(&server, _i, OPTIONS("--enable-faults", "--drain-delay", "1s"));
    kill(server.pid, SIGTERM);
    pause_ms(patience(100));
    fetch_status(server.port, "/fault/segv", patience(2000));
    ck_assert(eventually(is_served, &server, patience(2000)));
    ck_assert_int_eq(await_exit(&server), 0);
}
END_TEST

/* Likewise when nobody has noticed the crash before the signal. */
START_TEST(a_crash_before_the_signal)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-faults"));
    wire = wire_open(server.port);
    kill(server.pid, SIGSTOP);
    ck_assert(wire_send_get(&wire, "/fault/segv"));
    pause_ms(patience(200));
    kill(server.pid, SIGTERM);
    kill(server.pid, SIGCONT);
    ck_assert_int_eq(await_exit(&server), 0);
    wire_close(&wire);
}
END_TEST

START_TEST(a_large_answer_is_finished)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open_narrow(server.port);
    ck_assert(wire_send_get(&wire, "/big.bin"));
    pause_ms(patience(100));
    kill(server.pid, SIGTERM);
    pause_ms(200);
    ck_assert_uint_eq(wire_expect(&wire, 200, "during the drain").length, BIG_SIZE);
    ck_assert_int_eq(await_exit(&server), 0);
    wire_close(&wire);
}
END_TEST

START_TEST(a_second_signal_ends_at_once)
{
    struct server server;
    struct wire wire;
    struct reply reply;
    int64_t start;

    server_start(&server, _i, OPTIONS("--enable-demo", "--drain-timeout", "20s"));
    wire = wire_open(server.port);
    ck_assert(wire_send_get(&wire, "/work?sleep=15000"));
    pause_ms(patience(100));
    start = now_ms();
    kill(server.pid, SIGTERM);
    pause_ms(200);
    ck_assert(!process_gone(server.pid));
    kill(server.pid, SIGTERM);
    ck_assert_int_eq(await_exit(&server), 0);
    ck_assert_int_le(now_ms() - start, patience(3000));
    ck_assert_int_ne(wire_read(&wire, &reply, patience(2000)), WIRE_SILENCE);
    ck_assert(port_is_free(server.port));
    wire_close(&wire);
}
END_TEST

START_TEST(the_drain_has_an_end)
{
    struct server server;
    struct wire wire;
    int64_t start;

    server_start(&server, _i, OPTIONS("--enable-demo", "--drain-timeout", "700ms"));
    wire = wire_open(server.port);
    ck_assert(wire_send_get(&wire, "/work?sleep=20000"));
    pause_ms(patience(100));
    start = now_ms();
    kill(server.pid, SIGTERM);
    ck_assert_int_eq(await_exit(&server), 0);
    ck_assert_int_ge(now_ms() - start, 650);
    ck_assert_int_le(now_ms() - start, 700 + patience(3000));
    wire_close(&wire);
}
END_TEST

/* Workers, nursery, spares: all are gone when the supervisor is. */
START_TEST(leaves_no_process_behind)
{
    pid_t left[MAX_PROCESSES];
    struct server server;
    size_t count;

    server_start(&server, _i, OPTIONS("--workers", "6"));
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    count = server_processes(&server, left);
    ck_assert_uint_gt(count, 0);
    server_stop_clean(&server);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(process_gone(left[i]), "%s: process %d is left", server.subject->name,
                      (int)left[i]);
    ck_assert(port_is_free(server.port));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drain");
    TCase *tcase = tcase_create("drain");

    add_for_each_subject(tcase, term_drains);
    add_for_each_subject(tcase, int_drains);
    add_for_each_subject(tcase, the_next_request_is_answered);
    add_for_each_subject(tcase, one_after_the_other);
    add_for_each_subject(tcase, a_second_signal_does_not_await_the_delay);
    add_for_each_subject(tcase, a_crash_during_the_delay);
    add_for_each_subject(tcase, a_crash_before_the_signal);
    add_for_each_subject(tcase, a_large_answer_is_finished);
    add_for_each_subject(tcase, a_second_signal_ends_at_once);
    add_for_each_subject(tcase, the_drain_has_an_end);
    add_for_each_subject(tcase, leaves_no_process_behind);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
