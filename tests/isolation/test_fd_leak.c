/*
 * A handler that opens descriptors until there are no more (tests/modules/greedy.c), and then dies,
 * returns, or sleeps on them.
 *
 *      numbers   0 ─────────────────────────────┬──────────────── limit
 *                what handlers of modules may    │ the core's own
 *                open                            │
 *
 * In server-proc new connections are accepted all the while, files are opened and bodies spooled:
 * they have numbers which no handler of a module gets.  Threads cannot be told apart by their
 * limit, so there the service may falter, and must come back.
 */
#include "load.h"
#include "patience.h"
#include "proc.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 50,
    SALVO = 4 /* not waiting for a sweep between */,
    LONG_SLEEP_MS = 2000,
    SLACK = 3 + 2 * LOAD_CONNECTIONS,
    LATE_MS = 3000,
    SWEEP_MS = 20000,
    WANTED = 100
};

static int round_count(void)
{
    return build_is_slow() ? ROUNDS / 5 : ROUNDS;
}

static void start(struct server *server, int subject)
{
    server_start(server, subject,
                 OPTIONS("--module", module_object("greedy.so"), "--enable-demo", "--workers", "4",
                         "--max-connections", "200", "--log-level", "error"));
}

/* New connections: one for a file that is sent from a descriptor, one with a body that is spooled
 * into one. */
static int failures_of_new_clients(const struct server *server)
{
    static char body[40000];
    struct wire wire = wire_open(server->port);
    struct reply reply;
    int failures = 0;

    failures += fetch_status(server->port, "/big.bin", patience(5000)) != 200;
    failures += fetch_status(server->port, "/one.txt", patience(5000)) != 200;
    memset(body, 'b', sizeof(body));
    if (!wire_sendf(&wire, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n",
                    sizeof(body)) ||
        !wire_send(&wire, body, sizeof(body)) ||
        wire_read(&wire, &reply, patience(5000)) != WIRE_REPLY || reply.status != 200 ||
        reply.length != sizeof(body) || memcmp(reply.body, body, sizeof(body)) != 0)
        failures++;
    wire_close(&wire);
    return failures;
}

static void ask_greedily(struct wire *wire, int number)
{
    static const char *const then[] = {"dies", "returns", "sleeps"};

    ck_assert(wire_sendf(wire, "GET /greedy?then=%s&ms=%d HTTP/1.1\r\nHost: t\r\n\r\n",
                         then[number % 3], number == 2 ? LONG_SLEEP_MS : 100));
}

/* Where nothing of the one before is left, it must have had its fill, or nothing was tested. */
static void judge_greedy(struct wire *wire, int number, bool is_first, const char *name)
{
    struct reply reply = wire_expect(wire, number % 3 == 0 ? 500 : 200, name);

    if (reply.status == 200 && is_first)
        ck_assert_msg(strtol(reply.body, NULL, 10) >= WANTED, "%s: it opened only %s", name,
                      reply.body);
}

struct holdings {
    const struct server *server;
    int descriptors;
};

static bool is_as_before(void *subject)
{
    const struct holdings *before = subject;

    return open_descriptors(before->server->pid) <= before->descriptors + SLACK;
}

/* How long it took until what was left open is closed, in ms. */
static int64_t await_sweep(struct holdings *before)
{
    int64_t began = now_ms();

    ck_assert_msg(eventually(is_as_before, before, patience(SWEEP_MS)),
                  "%s: %d descriptors before, %d now", before->server->subject->name,
                  before->descriptors, open_descriptors(before->server->pid));
    return now_ms() - began;
}

START_TEST(the_core_has_numbers_of_its_own)
{
    struct server server;
    struct holdings before = {.server = &server};
    struct load_account account;
    struct load load;
    int64_t took, longest = 0;
    int failures = 0, most = 0;

    start(&server, _i);
    load = load_start_as(
        server.port, (struct load_plan){.rate = 500, .late = patience(LATE_MS), .is_mixed = true});
    load_mark(&load);
    ck_assert_int_eq(failures_of_new_clients(&server), 0);
    before.descriptors = open_descriptors(server.pid);
    for (int n = 0; n < round_count(); n++) {
        struct wire wire = wire_open(server.port);
        int64_t end = now_ms() + (n == 2 ? LONG_SLEEP_MS : 50);
        bool is_first = n % SALVO == 0;
        int held;

        if (is_first && (took = await_sweep(&before)) > longest)
            longest = took;
        ask_greedily(&wire, n);
        do {
            failures += failures_of_new_clients(&server);
            held = open_descriptors(server.pid);
            most = held > most ? held : most;
        } while (now_ms() < end);
        judge_greedy(&wire, n, is_first, server.subject->name);
        wire_close(&wire);
    }
    account = load_stop(&load);
    printf("%s: %d descriptors, at most %d while %d handlers took all they could; %ld innocent "
           "requests, %ld failed, %ld late, and %d of the new clients'; swept within %d ms\n",
           server.subject->name, before.descriptors, most, round_count(), account.requests,
           account.failed, account.late, failures, (int)longest);
    if (_i == POOL)
        ck_assert_int_gt(most, before.descriptors + WANTED);
    ck_assert_int_eq(failures, 0);
    ck_assert_msg(account.failed == 0, "%s: %s", server.subject->name, account.first);
    ck_assert_int_eq(account.late, 0);
    await_sweep(&before);
    server_stop_noisy(&server);
}
END_TEST

static bool is_served(void *subject)
{
    return failures_of_new_clients(subject) == 0;
}

/* Out of numbers, a thread's process can accept nobody, until what was left open is swept or the
 * process has died. */
START_TEST(threads_come_back)
{
    struct server server;
    int descriptors, faltered = 0;

    start(&server, THREAD);
    ck_assert(is_served(&server));
    descriptors = open_descriptors(server.pid);
    for (int n = 0; n < round_count() / 5; n++) {
        struct wire wire = wire_open(server.port);
        struct reply reply;

        ask_greedily(&wire, n);
        (void)wire_read(&wire, &reply, patience(5000));
        faltered += fetch_status(server.port, "/one.txt", 100) != 200;
        ck_assert_msg(!process_gone(server.pid), "the supervisor has died");
        ck_assert_msg(eventually(is_served, &server, patience(10000)), "no service after round %d",
                      n);
        wire_close(&wire);
    }
    printf("thread: %d times in %d there was nobody to serve for a moment\n", faltered,
           round_count() / 5);
    ck_assert_int_le(open_descriptors(server.pid), descriptors);
    server_stop_noisy(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fd-leak");
    TCase *tcase = tcase_create("fd-leak");

    add_for_each_isolated(tcase, the_core_has_numbers_of_its_own);
    tcase_add_test(tcase, threads_come_back);
    tcase_set_timeout(tcase, case_limit(50));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
