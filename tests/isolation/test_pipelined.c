/*
 * Sixteen requests on their way at once, and some of them deadly: only those may fail.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIPELINED = 16 };

static void send_sixteen(struct wire *wire, int poisoned, const char *fault)
{
    struct bytes all = {0};

    for (int n = 0; n < PIPELINED; n++)
        if (n == poisoned)
            bytes_addf(&all, "GET /fault/%s HTTP/1.1\r\nHost: test\r\n\r\n", fault);
        else
            bytes_addf(&all,
                       "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nnumber %02d",
                       n);
    ck_assert(wire_send(wire, all.at, all.length));
    bytes_free(&all);
}

static void read_sixteen(struct wire *wire, int poisoned, const char *what)
{
    for (int n = 0; n < PIPELINED; n++) {
        struct reply reply = wire_expect(wire, n == poisoned ? 500 : 200, what);
        char wanted[16];

        snprintf(wanted, sizeof(wanted), "number %02d", n);
        if (n != poisoned)
            ck_assert_str_eq(reply.body, wanted);
    }
}

START_TEST(only_the_poisoned_one_fails)
{
    static const char *const faults[] = {"segv", "abort", "exit", "stack-overflow"};
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-faults", "--enable-demo"));
    wire = wire_open(server.port);
    for (int round = 0; round < PIPELINED; round++) {
        send_sixteen(&wire, round, faults[round % 4]);
        read_sixteen(&wire, round, server.subject->name);
    }
    wire_close(&wire);
    server_stop_noisy(&server);
}
END_TEST

/* The same on many connections at once, so that workers die while others serve. */
START_TEST(on_many_connections_at_once)
{
    enum { CLIENTS = 32, ROUNDS = 5 };
    struct wire wires[CLIENTS];
    struct server server;

    server_start(&server, _i, OPTIONS("--enable-faults", "--enable-demo", "--workers", "8"));
    for (int i = 0; i < CLIENTS; i++)
        wires[i] = wire_open(server.port);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            send_sixteen(&wires[i], (i + round) % (2 * PIPELINED), "segv"); /* every other: none */
        for (int i = 0; i < CLIENTS; i++)
            read_sixteen(&wires[i], (i + round) % (2 * PIPELINED), server.subject->name);
    }
    for (int i = 0; i < CLIENTS; i++)
        wire_close(&wires[i]);
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipelined");
    TCase *tcase = tcase_create("pipelined");

    add_for_each_isolated(tcase, only_the_poisoned_one_fails);
    add_for_each_isolated(tcase, on_many_connections_at_once);
    tcase_set_timeout(tcase, case_limit(60));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
