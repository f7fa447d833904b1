/*
 * Two thousand idle keep-alive connections and eight workers: they cost a slot each, and no time.
 */
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { IDLE = 2000, REQUESTS = 1000 };

static struct wire idle[IDLE];

static int64_t time_requests(uint16_t port)
{
    struct wire wire = wire_open(port);
    int64_t start = now_ms();

    for (int i = 0; i < REQUESTS; i++) {
        struct reply reply;

        if (!wire_send_get(&wire, "/one.txt") ||
            wire_read(&wire, &reply, patience(5000)) != WIRE_REPLY || reply.length != ONE_SIZE)
            ck_abort_msg("request %d was not answered", i);
    }
    wire_close(&wire);
    return now_ms() - start;
}

static void ask_all(const char *what)
{
    for (int i = 0; i < IDLE; i++)
        ck_assert(wire_send_get(&idle[i], "/one.txt"));
    for (int i = 0; i < IDLE; i++)
        ck_assert_uint_eq(wire_expect(&idle[i], 200, what).length, ONE_SIZE);
}

START_TEST(idle_connections_slow_no_one_down)
{
    struct server server;
    int64_t alone, beside;

    server_start(&server, _i, OPTIONS("--workers", "8"));
    time_requests(server.port); /* warm */
    alone = time_requests(server.port);
    for (int i = 0; i < IDLE; i++)
        idle[i] = wire_open(server.port);
    ask_all("each of them, at once");
    beside = time_requests(server.port);
    ck_assert_msg(beside < 3 * alone + patience(300),
                  "%s: %d requests took %d ms alone, %d ms beside", server.subject->name, REQUESTS,
                  (int)alone, (int)beside);
    ask_all("all again");
    for (int i = 0; i < IDLE; i++)
        wire_close(&idle[i]);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idle");
    TCase *tcase = tcase_create("idle");
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    add_for_each_subject(tcase, idle_connections_slow_no_one_down);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
