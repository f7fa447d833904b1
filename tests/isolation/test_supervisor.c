/*
 * Deaths of whole processes: the supervisor takes all along; the server's own process comes back.
 */
#include "patience.h"
#include "proc.h"
#include "program.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct family {
    pid_t pids[MAX_PROCESSES];
    size_t count;
};

static bool all_are_gone(void *subject)
{
    const struct family *family = subject;

    for (size_t i = 0; i < family->count; i++)
        if (!process_gone(family->pids[i]))
            return false;
    return true;
}

/* A process of many threads is gone for /proc when its first thread is; its descriptors follow. */
static bool is_port_free(void *subject)
{
    return port_is_free(((const struct server *)subject)->port);
}

static void end_supervisor(int subject, bool is_busy)
{
    struct family family;
    struct server server;
    struct wire wire;
    struct reply reply;

    server_start(&server, subject, OPTIONS("--enable-demo", "--enable-faults", "--workers", "6"));
    wire = wire_open(server.port);
    wire_expect_usable(&wire, "before");
    if (is_busy) {
        ck_assert(wire_send_get(&wire, "/fault/hang"));
        pause_ms(patience(100));
    }
    family.count = server_processes(&server, family.pids);
    ck_assert_uint_gt(family.count, 0);
    kill(server.pid, SIGKILL);
    ck_assert_int_eq(program_end(server.pid, patience(5000)), 128 + SIGKILL);
    ck_assert_msg(eventually(all_are_gone, &family, patience(3000)),
                  "%s: processes are left behind their supervisor", server.subject->name);
    ck_assert_int_ne(wire_read(&wire, &reply, patience(3000)), WIRE_SILENCE);
    ck_assert_msg(eventually(is_port_free, &server, patience(3000)), "%s: the port is still taken",
                  server.subject->name);
    wire_close(&wire);
}

START_TEST(the_supervisor_takes_all_along)
{
    end_supervisor(_i, false);
}
END_TEST

/* Also those that are in a handler, which look at nothing else. */
START_TEST(the_supervisor_takes_the_busy_along)
{
    end_supervisor(_i, true);
}
END_TEST

/* The process with the threads is killed: its connections end, the next request finds another
 * one. */
START_TEST(the_thread_servers_process_comes_back)
{
    pid_t before[MAX_PROCESSES], after[MAX_PROCESSES];
    struct server server;
    struct wire wire;
    int64_t start;

    server_start(&server, THREAD, NO_OPTIONS);
    for (int i = 0; i < 10; i++) {
        wire = wire_open(server.port);
        wire_expect_usable(&wire, "before");
        ck_assert_uint_eq(server_workers(&server, before), 1);
        kill(before[0], SIGKILL);
        start = now_ms();
        wire_expect_end(&wire, patience(2000), "its connections end");
        wire_close(&wire);
        wire = wire_open(server.port); /* never refused: the listeners are the supervisor's */
        wire_expect_usable(&wire, "after");
        wire_close(&wire);
        ck_assert_int_le(now_ms() - start, patience(1500));
        ck_assert_uint_eq(server_workers(&server, after), 1);
        ck_assert_int_ne(after[0], before[0]);
    }
    ck_assert(server_logged(&server, "SIGKILL", NULL, patience(1000)));
    server_stop_noisy(&server);
}
END_TEST

/*
 * Whatever else the process server consists of may die as well: it is made anew.  A request that
 * was in its hands may be lost, one per kill; the next ones are served.
 */
struct census {
    const struct server *server;
    size_t wanted;
};

static bool has_as_many(void *subject)
{
    const struct census *census = subject;
    pid_t now[MAX_PROCESSES];

    return server_processes(census->server, now) >= census->wanted;
}

START_TEST(any_process_but_the_supervisor_is_replaced)
{
    pid_t family[MAX_PROCESSES];
    struct server server;
    size_t count;

    server_start(&server, _i, OPTIONS("--workers", "3"));
    ck_assert_int_eq(fetch_status(server.port, "/one.txt", patience(5000)), 200);
    pause_ms(patience(100));
    count = server_processes(&server, family);
    for (size_t i = 0; i < count; i++) {
        struct census census = {.server = &server, .wanted = count};
        int lost = 0;

        kill(family[i], SIGKILL);
        for (int n = 0; n < 5; n++)
            lost += fetch_status(server.port, "/one.txt", patience(5000)) != 200;
        ck_assert_msg(lost <= 1, "%s: %d requests lost after process %zu of %zu died",
                      server.subject->name, lost, i + 1, count);
        ck_assert_msg(eventually(has_as_many, &census, patience(3000)),
                      "%s: process %zu of %zu is not replaced", server.subject->name, i + 1, count);
    }
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("supervisor");
    TCase *tcase = tcase_create("supervisor");

    add_for_each_subject(tcase, the_supervisor_takes_all_along);
    add_for_each_subject(tcase, the_supervisor_takes_the_busy_along);
    tcase_add_test(tcase, the_thread_servers_process_comes_back);
    add_for_each_subject(tcase, any_process_but_the_supervisor_is_replaced);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
