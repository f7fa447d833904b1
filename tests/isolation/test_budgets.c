/*
 * What a request may use up: time, CPU time, memory; and what a worker may, before it is replaced.
 *
 *      --request-timeout      soft, at nine tenths: told, may finish       hard: 504
 *      --worker-cpu           503, long before the time is over; who sleeps uses none
 *      --worker-memory        at half: replaced between two requests       whole: 503
 *      --max-requests         replaced between two requests, not all at once
 *
 * The client sees the same in all three; who pays differs.
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

static bool is_served(void *subject)
{
    return fetch_status(((const struct server *)subject)->port, "/one.txt", patience(2000)) == 200;
}

/* The answer to a GET, and how long it took. */
static struct reply ask(struct wire *wire, const char *path, int status, int64_t *took)
{
    int64_t began = now_ms();
    struct reply reply = wire_expect_get(wire, path, status, path);

    *took = now_ms() - began;
    return reply;
}

/* A problem that names what was exceeded. */
static void expect_problem(const struct reply *reply, const char *option)
{
    char value[64];

    ck_assert_ptr_nonnull(reply_field(reply, "Content-Type", value, sizeof(value)));
    ck_assert_str_eq(value, "application/problem+json");
    ck_assert_msg(strstr(reply->body, option) != NULL, "%s does not name %s", reply->body, option);
    if (reply->status == 503)
        ck_assert_ptr_nonnull(reply_field(reply, "Retry-After", value, sizeof(value)));
}

/* --- time --- */

enum { TIME_MS = 500, SOFT_MS = 450, LATE_MS = 300, ROUNDING_MS = 5 };

static void expect_moment(const char *name, int64_t took, int due)
{
    printf("%s: due after %d ms, after %d ms\n", name, due, (int)took);
    ck_assert_msg(took >= due - ROUNDING_MS, "%s: %d ms is early for %d", name, (int)took, due);
    ck_assert_msg(took <= due + patience(LATE_MS), "%s: %d ms is late for %d", name, (int)took,
                  due);
}

START_TEST(time_is_told_and_then_over)
{
    struct server server;
    struct wire wire;
    struct reply reply;
    int64_t took;

    server_start(&server, _i,
                 OPTIONS("--enable-faults", "--request-timeout", "500ms", "--log-level", "error"));
    wire = wire_open(server.port);
    wire_expect_usable(&wire, server.subject->name);
    reply = ask(&wire, "/fault/slow?ms=5000&polite=1", 200, &took);
    ck_assert_str_eq(reply.body, "cut short\n");
    expect_moment(server.subject->name, took, SOFT_MS);
    reply = ask(&wire, "/fault/slow?ms=5000", 504, &took);
    expect_problem(&reply, "--request-timeout");
    expect_moment(server.subject->name, took, TIME_MS);
    reply = ask(&wire, "/fault/hang", 504, &took);
    expect_problem(&reply, "--request-timeout");
    expect_moment(server.subject->name, took, TIME_MS);
    wire_expect_usable(&wire, server.subject->name);
    wire_close(&wire);
    server_stop_noisy(&server);
}
END_TEST

/* --- CPU time --- */

START_TEST(cpu_time_is_not_time)
{
    struct server server;
    struct wire wire;
    struct reply reply;
    int64_t took;

    server_start(&server, _i,
                 OPTIONS("--enable-faults", "--request-timeout", "20s", "--worker-cpu", "100ms",
                         "--log-level", "error"));
    wire = wire_open(server.port);
    reply = ask(&wire, "/fault/spin", 503, &took);
    printf("%s: 100 ms of CPU time are used up after %d ms\n", server.subject->name, (int)took);
    ck_assert_int_ge(took, 100 - ROUNDING_MS);
    ck_assert_int_le(took, patience(2000));
    expect_problem(&reply, "--worker-cpu");
    reply = ask(&wire, "/fault/slow?ms=400", 200, &took);
    ck_assert_str_eq(reply.body, "slow\n");
    ck_assert_int_ge(took, 400);
    wire_close(&wire);
    server_stop_noisy(&server);
}
END_TEST

/* A worker serves many requests: what counts is the CPU time of each, not of all. */
START_TEST(cpu_time_is_each_requests_own)
{
    struct server server;
    struct wire wire;

    server_start(&server, _i, OPTIONS("--enable-demo", "--workers", "1", "--worker-cpu", "150ms"));
    wire = wire_open(server.port);
    for (int i = 0; i < 20; i++)
        wire_expect_get(&wire, "/work?cpu=30", 200, server.subject->name);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* --- memory --- */

START_TEST(memory_is_refused)
{
    struct server server;
    struct wire wire;
    struct reply reply;

    server_start(&server, _i,
                 OPTIONS("--enable-faults", "--worker-memory", "40m", "--log-level", "error"));
    wire = wire_open(server.port);
    ck_assert(wire_send_get(&wire, "/fault/oom"));
    if (_i == THREAD) { /* the memory of all, and so the end of all */
        wire_expect_end(&wire, patience(8000), server.subject->name);
    } else {
        reply = wire_expect(&wire, 503, server.subject->name);
        expect_problem(&reply, "--worker-memory");
        wire_expect_usable(&wire, server.subject->name);
    }
    wire_close(&wire);
    ck_assert(eventually(is_served, &server, patience(3000)));
    /* Threads: it may also be seen to have grown, and not be given the time for its end. */
    ck_assert_msg(server_logged(&server, "memory budget", "/fault/oom", patience(1000)) ||
                      (_i == THREAD && server_logged(&server, "worn out", NULL, patience(1000))),
                  "%s: the log does not say that it was the memory", server.subject->name);
    server_stop_noisy(&server);
}
END_TEST

enum { LEAKS = 200, LEAKERS = 4 };

/* The first is told. */
static bool is_lost(enum wire_event event, const struct reply *reply)
{
    static bool is_told;
    bool has_answer = event == WIRE_REPLY;

    if (has_answer && reply->status == 200)
        return false;
    if (!is_told)
        printf("lost: %s %.200s\n", wire_event_name(event), has_answer ? reply->head : "");
    is_told = true;
    return true;
}

/* A new connection for each: a process of threads is replaced with all of its connections. */
static int lost_of_leaks(const struct server *server)
{
    int lost = 0;

    for (int i = 0; i < LEAKS; i++, pause_ms(10)) { /* that who looks at the memory has his turn */
        struct wire wires[LEAKERS];
        struct reply reply;

        for (int n = 0; n < LEAKERS; n++) {
            wires[n] = wire_open(server->port);
            ck_assert(wire_send_get(&wires[n], "/fault/leak?bytes=1048576"));
        }
        for (int n = 0; n < LEAKERS; n++) {
            enum wire_event event = wire_read(&wires[n], &reply, patience(5000));

            lost += is_lost(event, &reply);
            wire_close(&wires[n]);
        }
    }
    return lost;
}

START_TEST(who_has_grown_is_replaced_between_requests)
{
    struct server server;
    double recycled;
    size_t before;
    int lost;

    server_start(&server, _i,
                 OPTIONS("--enable-faults", "--worker-memory", "64m", "--admin", "127.0.0.1:0",
                         "--log-level", "warn"));
    ck_assert(is_served(&server));
    before = server_memory(&server);
    lost = lost_of_leaks(&server);
    recycled = server_metric(&server, "tandem_workers_recycled_total ");
    printf("%s: %d requests leaked 1 MiB each: %d lost, %g workers recycled, %zu MiB then and %zu "
           "now\n",
           server.subject->name, LEAKS * LEAKERS, lost, recycled, before >> 20,
           server_memory(&server) >> 20);
    ck_assert_int_eq(lost, 0);
    ck_assert_uint_lt(server_memory(&server), before + 4 * ((size_t)64 << 20));
    if (_i == POOL)
        ck_assert_msg(recycled >= 5, "%g workers were recycled", recycled);
    if (_i == THREAD)
        ck_assert(server_logged(&server, "has grown", NULL, patience(1000)));
    server_stop_noisy(&server);
}
END_TEST

/* --- requests --- */

/* One worker counts its own requests: each generation by itself. */
START_TEST(generations_are_not_equally_long)
{
    enum { MOST = 100, GENERATIONS = 10 };
    struct server server;
    struct wire wire;
    long last = 0, longest = 0, shortest = MOST;
    int generations = 0;

    server_start(&server, POOL,
                 OPTIONS("--enable-demo", "--workers", "1", "--max-requests", "100"));
    wire = wire_open(server.port);
    while (generations < GENERATIONS) {
        long count = strtol(wire_expect_get(&wire, "/counter?kind=plain", 200, "the counter").body,
                            NULL, 10);

        if (count == 1 && last > 0) {
            generations++;
            longest = last > longest ? last : longest;
            shortest = last < shortest ? last : shortest;
        }
        last = count;
    }
    printf("pool: of %d generations the shortest served %ld requests, the longest %ld\n",
           generations, shortest, longest);
    ck_assert_int_le(longest, MOST);
    ck_assert_int_ge(shortest, MOST - MOST / 10 - 1);
    ck_assert_int_lt(shortest, longest);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

START_TEST(no_request_is_lost_to_a_replacement)
{
    struct server server;
    struct load_account account;
    struct load load;
    double recycled;

    server_start(&server, _i,
                 OPTIONS("--enable-demo", "--max-requests", "50", "--admin", "127.0.0.1:0"));
    load = load_start_as(
        server.port,
        (struct load_plan){.connections = 16, .late = patience(3000), .is_mixed = true});
    load_mark(&load);
    pause_ms(patience(1000));
    account = load_stop(&load);
    recycled = server_metric(&server, "tandem_workers_recycled_total ");
    printf("%s: %ld requests, %ld failed, %ld late; %g workers recycled\n", server.subject->name,
           account.requests, account.failed, account.late, recycled);
    ck_assert_msg(account.failed == 0, "%s: %s", server.subject->name, account.first);
    ck_assert_int_eq(account.late, 0);
    if (_i != THREAD)
        ck_assert_msg(recycled >= 4, "%g workers were recycled by %ld requests", recycled,
                      account.requests);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("budgets");
    TCase *tcase = tcase_create("budgets");

    add_for_each_subject(tcase, time_is_told_and_then_over);
    add_for_each_subject(tcase, cpu_time_is_not_time);
    add_for_each_subject(tcase, cpu_time_is_each_requests_own);
    if (build_is_slow()) {
        puts("budgets: no test of --worker-memory: a sanitizer needs more than any budget");
    } else {
        add_for_each_subject(tcase, memory_is_refused);
        add_for_each_subject(tcase, who_has_grown_is_replaced_between_requests);
    }
    if (subject_count() > POOL)
        tcase_add_test(tcase, generations_are_not_equally_long);
    add_for_each_subject(tcase, no_request_is_lost_to_a_replacement);
    tcase_set_timeout(tcase, case_limit(30));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
