/*
 * Connections that live on: many requests one after another, many at once, each answered in turn.
 */
#include "bytes.h"
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <string.h>

enum { PIPELINED = 16 };

START_TEST(serves_hundreds_of_requests_on_one_connection)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open(server.port);
    for (int i = 0; i < 300; i++)
        wire_expect_usable(&wire, "in a row");
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* One write holds all; each answer has a length of its own, so that none can stand for another. */
START_TEST(answers_pipelined_requests_in_order)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-demo"));
    wire = wire_open(server.port);
    for (int round = 0; round < 20; round++) {
        struct bytes all = {0};

        for (int n = 0; n < PIPELINED; n++)
            bytes_addf(&all, "GET /work?bytes=%d HTTP/1.1\r\nHost: test\r\n\r\n",
                       1 + round * 100 + n * n);
        ck_assert(wire_send(&wire, all.at, all.length));
        bytes_free(&all);
        for (int n = 0; n < PIPELINED; n++)
            ck_assert_uint_eq(wire_expect(&wire, 200, "pipelined").length,
                              (size_t)(1 + round * 100 + n * n));
    }
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(answers_pipelined_bodies_in_order)
{
    struct bytes all = {0};
    struct server server;
    struct reply reply;
    struct wire wire;
    char wanted[64];

    for (int n = 0; n < PIPELINED; n++) {
        int length = snprintf(wanted, sizeof(wanted), "number %d of sixteen", n);

        if (n % 2 == 0)
            bytes_addf(&all, "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s",
                       length, wanted);
        else
            bytes_addf(&all,
                       "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "%x\r\n%s\r\n0\r\n\r\n",
                       (unsigned)length, wanted);
    }
    server_start(&server, _i, OPTIONS("--enable-demo"));
    wire = wire_open(server.port);
    ck_assert(wire_send(&wire, all.at, all.length));
    for (int n = 0; n < PIPELINED; n++) {
        reply = wire_expect(&wire, 200, "echo");
        snprintf(wanted, sizeof(wanted), "number %d of sixteen", n);
        ck_assert_str_eq(reply.body, wanted);
    }
    bytes_free(&all);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* Small answers between large ones that do not fit into the socket at once. */
START_TEST(keeps_the_order_when_answers_are_large)
{
    struct server server;
    struct reply reply;
    struct wire wire;

    server_start(&server, _i, NO_OPTIONS);
    wire = wire_open_narrow(server.port);
    for (int n = 0; n < 3; n++) {
        ck_assert(wire_send_get(&wire, "/big.bin"));
        ck_assert(wire_send_get(&wire, "/sub/deep.txt"));
    }
    for (int n = 0; n < 3; n++) {
        ck_assert_uint_eq(wire_expect(&wire, 200, "large").length, BIG_SIZE);
        reply = wire_expect(&wire, 200, "small");
        ck_assert_str_eq(reply.body, "deep\n");
    }
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

struct settled {
    pid_t pid;
    int descriptors;
};

static bool has_settled(void *subject)
{
    struct settled *settled = subject;

    return open_descriptors(settled->pid) <= settled->descriptors;
}

/* Connections that come and go leave no descriptor behind. */
START_TEST(forgets_connections_that_end)
{
    pid_t workers[MAX_PROCESSES];
    struct settled settled;
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-demo"));
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    ck_assert_uint_gt(server_workers(&server, workers), 0);
    pause_ms(50);
    settled = (struct settled){.pid = workers[0], .descriptors = open_descriptors(workers[0])};
    for (int i = 0; i < 300; i++) {
        wire = wire_open(server.port);
        if (i % 3 == 0)
            wire_expect_usable(&wire, "short");
        else if (i % 3 == 1)
            ck_assert(wire_sendf(&wire, "GET /one.txt HT"));
        else
            ck_assert(wire_sendf(&wire, "POST /echo HTTP/1.1\r\nHost: t\r\n"
                                        "Content-Length: 200000\r\n\r\nbegin"));
        wire_close(&wire);
    }
    ck_assert_msg(eventually(has_settled, &settled, patience(5000)),
                  "%s: %d descriptors before, %d after", server.subject->name, settled.descriptors,
                  open_descriptors(settled.pid));
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("persistence");
    TCase *tcase = tcase_create("persistence");

    add_for_each_subject(tcase, serves_hundreds_of_requests_on_one_connection);
    add_for_each_subject(tcase, answers_pipelined_requests_in_order);
    add_for_each_subject(tcase, answers_pipelined_bodies_in_order);
    add_for_each_subject(tcase, keeps_the_order_when_answers_are_large);
    add_for_each_subject(tcase, forgets_connections_that_end);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
