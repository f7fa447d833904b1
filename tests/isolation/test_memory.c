/*
 * Whose memory it is: the counter in plain, atomic and shared memory, and workers that are
 * replaced.
 */
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS = 60 };

static long count(struct wire *wire, const char *kind)
{
    char path[64];

    snprintf(path, sizeof(path), "/counter?kind=%s", kind);
    return strtol(wire_expect_get(wire, path, 200, path).body, NULL, 10);
}

static void start(struct server *server, int subject, const char *max_requests)
{
    server_start(server, subject,
                 OPTIONS("--enable-demo", "--workers", "4", "--max-requests", max_requests));
}

START_TEST(shared_memory_counts_exactly)
{
    struct server server;
    struct wire wire;

    start(&server, _i, "0");
    wire = wire_open(server.port);
    for (long i = 1; i <= COUNTS; i++)
        ck_assert_int_eq(count(&wire, "shared"), i);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* Without shared memory a value is seen once per memory that counts: one, several, or none. */
static long highest_of(struct wire *wire, const char *kind, long *ones)
{
    long highest = 0;

    for (int i = 0; i < COUNTS; i++) {
        long value = count(wire, kind);

        ck_assert_int_ge(value, 1);
        *ones += value == 1;
        highest = value > highest ? value : highest;
    }
    return highest;
}

START_TEST(own_memory_counts_for_itself)
{
    static const char *const kinds[] = {"plain", "atomic"};
    struct server server;
    struct wire wire;

    start(&server, _i, "0");
    for (size_t k = 0; k < 2; k++) {
        long ones = 0, highest;

        wire = wire_open(server.port);
        highest = highest_of(&wire, kinds[k], &ones);
        wire_close(&wire);
        if (_i == THREAD) {
            ck_assert_int_eq(highest, COUNTS);
            ck_assert_int_eq(ones, 1);
        } else if (_i == FRESH) {
            ck_assert_int_eq(highest, 1);
            ck_assert_int_eq(ones, COUNTS);
        } else {
            ck_assert_msg(ones >= 1 && ones <= 4, "%ld of 4 workers counted %s", ones, kinds[k]);
            ck_assert_msg(highest * ones >= COUNTS, "%s: %ld ones, highest %ld", kinds[k], ones,
                          highest);
        }
    }
    server_stop_clean(&server);
}
END_TEST

/* Several requests in their handlers at once must be in several workers, each with its own copy. */
START_TEST(workers_do_not_share_plain_memory)
{
    struct wire busy[3], wire;
    struct server server;

    start(&server, POOL, "0");
    wire = wire_open(server.port);
    ck_assert_int_eq(count(&wire, "plain"), 1);
    for (int n = 0; n < 20; n++) {
        for (int i = 0; i < 3; i++) {
            busy[i] = wire_open(server.port);
            ck_assert(wire_send_get(&busy[i], "/work?sleep=30"));
        }
        pause_ms(10);
        count(&wire, "plain");
        for (int i = 0; i < 3; i++) {
            wire_expect(&busy[i], 200, "busy");
            wire_close(&busy[i]);
        }
    }
    ck_assert_int_lt(count(&wire, "plain"), 22); /* one memory would be at 22 now */
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

/* --- --max-requests --- */

struct generation {
    const struct server *server;
    pid_t first[MAX_PROCESSES];
    size_t count;
};

/* Not all of the first need be gone: the one that slept last is woken first, so another may have
 * served fewer than its share. */
static bool is_replaced(void *subject)
{
    const struct generation *generation = subject;
    pid_t now[MAX_PROCESSES];
    size_t count = server_workers(generation->server, now);
    size_t left = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; n < generation->count; n++)
            left += now[i] == generation->first[n];
    return count == generation->count && left < generation->count;
}

START_TEST(recycles_workers_without_losing_a_request)
{
    enum { CLIENTS = 16, ROUNDS = 60 };
    struct generation generation;
    struct wire wires[CLIENTS];
    struct server server;

    start(&server, _i, "20");
    generation.server = &server;
    generation.count = server_await_workers(&server, generation.first, 4);
    for (int i = 0; i < CLIENTS; i++)
        wires[i] = wire_open(server.port);
    for (int n = 0; n < ROUNDS; n++) {
        for (int i = 0; i < CLIENTS; i++)
            ck_assert(wire_send_get(&wires[i], "/work?cpu=1&bytes=50"));
        for (int i = 0; i < CLIENTS; i++)
            ck_assert_uint_eq(wire_expect(&wires[i], 200, "during the change").length, 50);
    }
    if (_i != THREAD)
        ck_assert_msg(eventually(is_replaced, &generation, patience(3000)),
                      "%s: no worker was replaced after %d requests", server.subject->name,
                      CLIENTS * ROUNDS);
    for (int i = 0; i < CLIENTS; i++)
        wire_close(&wires[i]);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tcase = tcase_create("memory");

    add_for_each_subject(tcase, shared_memory_counts_exactly);
    add_for_each_subject(tcase, own_memory_counts_for_itself);
    if (subject_count() > POOL)
        tcase_add_test(tcase, workers_do_not_share_plain_memory);
    add_for_each_subject(tcase, recycles_workers_without_losing_a_request);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
