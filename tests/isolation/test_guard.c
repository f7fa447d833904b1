/*
 * What the workers of server-proc share, after a handler has laid hands on it: descriptors that are
 * left open or closed by mistake, and bytes in shared memory.
 *
 * Some requests fail in all of these, and may: the point is that all is well a moment later.
 */
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK = 3, WORKERS = 4, LEAKED = 100, SCRIBBLES = 300, NUMBERS = 24 };

/* What pool may keep in hand and never notice: see sweep.c. */
enum { UNNOTICED = 4 * WORKERS + 64 };

static void start(struct server *server, int subject)
{
    server_start(server, subject,
                 OPTIONS("--enable-faults", "--enable-demo", "--workers", "4", "--log-level",
                         "error", "--idle-timeout", "1s", "--header-timeout", "1s"));
}

static bool answers(void *subject)
{
    const struct server *server = subject;

    for (int i = 0; i < 8; i++)
        if (fetch_status(server->port, "/one.txt", patience(1000)) != 200)
            return false;
    return true;
}

static void expect_service(struct server *server, const char *after)
{
    ck_assert_msg(eventually(answers, server, patience(5000)), "%s: no service after %s",
                  server->subject->name, after);
}

struct count {
    const struct server *server;
    int most;
};

static bool has_few_descriptors(void *subject)
{
    const struct count *count = subject;

    return open_descriptors(count->server->pid) <= count->most;
}

static void expect_descriptors(const struct server *server, int most)
{
    struct count count = {server, most};

    ck_assert_msg(eventually(has_few_descriptors, &count, patience(8000)),
                  "%s: %d descriptors are open, not %d", server->subject->name,
                  open_descriptors(server->pid), most);
}

START_TEST(what_the_dead_leave_open_is_closed)
{
    struct server server;
    char path[64];

    start(&server, _i);
    expect_service(&server, "its start");
    int before = open_descriptors(server.pid);
    snprintf(path, sizeof(path), "/fault/fd-leak?n=%d&then=die", LEAKED);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(fetch_status(server.port, path, patience(3000)), 500);
    expect_descriptors(&server, before + SLACK);
    server_stop_noisy(&server);
}
END_TEST

START_TEST(what_the_living_leave_open_is_closed)
{
    struct server server;
    char path[64];

    start(&server, _i);
    expect_service(&server, "its start");
    int before = open_descriptors(server.pid);
    snprintf(path, sizeof(path), "/fault/fd-leak?n=%d&then=live", LEAKED);
    for (int i = 0; i < 20; i++)
        (void)fetch_status(server.port, path, patience(3000));
    expect_descriptors(&server, before + UNNOTICED);
    server_stop_noisy(&server);
}
END_TEST

/* A body and a large answer wait in descriptors while others leak and die. */
START_TEST(what_is_in_use_stays_open)
{
    static char half[40000];
    struct server server;
    struct wire slow, reader;

    start(&server, _i);
    slow = wire_open(server.port);
    reader = wire_open_narrow(server.port);
    memset(half, 'a', sizeof(half));
    ck_assert(wire_sendf(&slow, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n",
                         2 * sizeof(half)));
    ck_assert(wire_send(&slow, half, sizeof(half)));
    ck_assert(wire_send_get(&reader, "/work?bytes=2000000"));
    for (int i = 0; i < 10; i++)
        (void)fetch_status(server.port, "/fault/fd-leak?n=20&then=die", patience(3000));
    pause_ms(patience(300));
    ck_assert(wire_send(&slow, half, sizeof(half)));
    ck_assert_uint_eq(wire_expect(&slow, 200, "the body").length, 2 * sizeof(half));
    ck_assert_uint_eq(wire_expect(&reader, 200, "the answer").length, 2000000);
    wire_close(&slow);
    wire_close(&reader);
    server_stop_noisy(&server);
}
END_TEST

/* Whatever number it is: the epoll and the listener are among them. */
START_TEST(what_is_closed_by_mistake_is_put_back)
{
    struct server server;
    char path[64];

    start(&server, _i);
    for (int fd = 3; fd < NUMBERS; fd++) {
        snprintf(path, sizeof(path), "/fault/fd-stray-close?fd=%d", fd);
        (void)fetch_status(server.port, path, patience(1000));
        expect_service(&server, path);
    }
    ck_assert(server_logged(&server, "the epoll", "put back", patience(1000)));
    ck_assert(server_logged(&server, "127.0.0.1", "put back", patience(1000)));
    server_stop_noisy(&server);
}
END_TEST

START_TEST(what_is_scribbled_on_does_not_stop_the_service)
{
    struct server server;
    char path[64];

    start(&server, _i);
    for (int i = 0; i < SCRIBBLES; i++) {
        snprintf(path, sizeof(path), "/fault/heap-corruption?how=shared&seed=%d", i);
        (void)fetch_status(server.port, path, patience(1000));
    }
    expect_service(&server, "scribbles");
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");

    add_for_each_isolated(tcase, what_the_dead_leave_open_is_closed);
    add_for_each_isolated(tcase, what_the_living_leave_open_is_closed);
    add_for_each_isolated(tcase, what_is_in_use_stays_open);
    if (subject_count() > POOL) {
        tcase_add_loop_test(tcase, what_is_closed_by_mistake_is_put_back, POOL, POOL + 1);
        tcase_add_loop_test(tcase, what_is_scribbled_on_does_not_stop_the_service, POOL, POOL + 1);
    }
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
