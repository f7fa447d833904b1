/*
 * Two hundred crashes leave nothing behind: no descriptor, no process, no slower service.
 */
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CRASHES = 200, SLACK = 3 };

/* What the supervisor holds: in server-proc it shares the descriptor table of the workers. */
struct holdings {
    const struct server *server;
    int descriptors;
    size_t processes;
};

static struct holdings take_stock(const struct server *server)
{
    pid_t found[MAX_PROCESSES];

    return (struct holdings){.server = server,
                             .descriptors = open_descriptors(server->pid),
                             .processes = server_processes(server, found)};
}

static bool is_as_before(void *subject)
{
    const struct holdings *before = subject;
    struct holdings now = take_stock(before->server);

    return now.descriptors <= before->descriptors + SLACK && now.processes == before->processes;
}

static void crash(const struct server *server, int number)
{
    static const char *const faults[] = {"/fault/segv", "/fault/abort", "/fault/exit"};
    struct wire wire = wire_open(server->port);
    struct reply reply;

    ck_assert(wire_send_get(&wire, faults[number % 3]));
    if (server->subject == &subjects[THREAD])
        wire_expect_end(&wire, patience(5000), "a crash");
    else {
        ck_assert_int_eq(wire_read(&wire, &reply, patience(5000)), WIRE_REPLY);
        ck_assert_int_eq(reply.status, 500);
    }
    wire_close(&wire);
}

/* A large body is in a descriptor when its handler dies, and must not stay there. */
static void crash_with_a_body(const struct server *server)
{
    static char body[100000];
    struct wire wire = wire_open(server->port);
    struct reply reply;

    ck_assert(wire_sendf(
        &wire, "GET /fault/segv HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n", sizeof(body)));
    (void)wire_send(&wire, body, sizeof(body));
    (void)wire_read(&wire, &reply, patience(5000));
    wire_close(&wire);
}

START_TEST(crashes_leave_nothing_behind)
{
    struct holdings before;
    struct server server;
    int crashes = build_is_slow() || _i == THREAD ? CRASHES / 4 : CRASHES;

    server_start(
        &server, _i,
        OPTIONS("--enable-faults", "--enable-demo", "--workers", "4", "--log-level", "error"));
    for (int i = 0; i < 5; i++)
        crash(&server, i);
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    pause_ms(patience(200));
    before = take_stock(&server);
    ck_assert_int_gt(before.descriptors, 0);
    for (int i = 0; i < crashes; i++)
        if (i % 4 == 3)
            crash_with_a_body(&server);
        else
            crash(&server, i);
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    ck_assert_msg(eventually(is_as_before, &before, patience(5000)),
                  "%s: %d descriptors and %zu processes before, %d and %zu after",
                  server.subject->name, before.descriptors, before.processes,
                  take_stock(&server).descriptors, take_stock(&server).processes);
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leaks");
    TCase *tcase = tcase_create("leaks");

    add_for_each_subject(tcase, crashes_leave_nothing_behind);
    tcase_set_timeout(tcase, case_limit(60));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
