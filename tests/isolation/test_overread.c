/*
 * Whose secrets a handler that reads too far can reach; what the matrix says of it, with proof that
 * whoever finds nothing has looked.
 *
 *      vault.so holds a needle in its own memory; each request brings one of the same form
 *
 *                     the needle     of the same worker     of one that is gone     on its way
 *      thread         found          found                  (there is none)         found
 *      pool           found          found                  not found               not found *
 *      fresh          found          not found              not found               not found
 *
 *      * in its handler; what has half arrived lies in the shared table, and is found
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "storm-secret-"
#define NEEDLE "0badcafe0badcafe"
#define EARLIER "1111222233334444"
#define RUNNING "5555666677778888"
#define ARRIVING "9999aaaabbbbcccc"

enum { BODY = 8192, DEEP = 6000, SCANS = 8 };

static void start(struct server *server, int subject, const char *workers)
{
    server_start(server, subject,
                 OPTIONS("--enable-faults", "--enable-demo", "--workers", workers, "--module",
                         module_object("vault.so=" PREFIX ":" NEEDLE), "--drain-timeout", "100ms",
                         "--log-level", "error"));
}

/* A request whose body holds the secret where no later request covers it. */
static struct bytes secret_request(const char *target, const char *digits)
{
    char body[BODY + 1], secret[64];
    int length = snprintf(secret, sizeof(secret), "%s%s;", PREFIX, digits);
    struct bytes request = {0};

    memset(body, '.', BODY);
    memcpy(body + DEEP, secret, (size_t)length);
    bytes_addf(&request, "POST %s HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n", target, BODY);
    bytes_add(&request, body, BODY);
    return request;
}

static void ask_with_secret(const struct server *server, const char *digits)
{
    struct bytes request = secret_request("/echo", digits);
    struct wire wire = wire_open(server->port);

    ck_assert(wire_send(&wire, request.at, request.length));
    ck_assert_uint_eq(wire_expect(&wire, 200, "/echo").length, BODY);
    wire_close(&wire);
    bytes_free(&request);
}

/* Sends `start` of a request right behind a whole one.  When that is answered, the start has been read
 * and is kept for later: requests wait, while another one runs, where all that is unfinished does. */
static void send_start(struct wire *wire, const char *start, size_t length)
{
    struct bytes both = {0};

    bytes_add_text(&both, "GET /one.txt HTTP/1.1\r\nHost: t\r\n\r\n");
    bytes_add(&both, start, length);
    ck_assert(wire_send(wire, both.at, both.length));
    wire_expect(wire, 200, "/one.txt");
    bytes_free(&both);
}

/* The beginning of an answer: wire.h has whole ones only. */
static bool has_begun(void *subject)
{
    struct wire *wire = subject;
    struct reply reply;

    (void)wire_poll(wire, &reply);
    return wire->inbox.length > 0 && strstr(wire->inbox.at, "held\n") != NULL;
}

/* Returns when the handler runs, with the secret in its hands, which has come in the second piece. */
static struct wire hold_secret(const struct server *server, const char *digits, size_t first_piece)
{
    struct bytes request = secret_request("/hold", digits);
    struct wire wire = wire_open(server->port);

    if (first_piece > 0)
        send_start(&wire, request.at, first_piece);
    ck_assert(wire_send(&wire, request.at + first_piece, request.length - first_piece));
    ck_assert_msg(eventually(has_begun, &wire, patience(5000)),
                  "%s: the handler does not begin: %.200s", server->subject->name, wire.inbox.at);
    bytes_free(&request);
    return wire;
}

/* Whether any of several scans finds these digits; the needle must be found by each. */
static bool is_in_reach(const struct server *server, const char *digits)
{
    bool is_found = false;

    for (int i = 0; i < SCANS; i++) {
        struct wire wire = wire_open(server->port);
        struct reply reply =
            wire_expect_get(&wire, "/fault/overread?find=" PREFIX, 200, server->subject->name);

        ck_assert_msg(strstr(reply.body, NEEDLE) != NULL,
                      "%s: the needle is not found: nothing was looked at, which says nothing",
                      server->subject->name);
        is_found |= strstr(reply.body, digits) != NULL;
        wire_close(&wire);
    }
    return is_found;
}

/* One worker, which serves the one who asks and the one who looks. */
START_TEST(of_an_earlier_request)
{
    struct server server;

    start(&server, _i, "1");
    ask_with_secret(&server, EARLIER);
    ck_assert_int_eq(is_in_reach(&server, EARLIER), _i != FRESH);
    server_stop_clean(&server);
}
END_TEST

/* What was in a worker's own memory goes with it. */
START_TEST(of_an_earlier_worker)
{
    pid_t before[MAX_PROCESSES], after[MAX_PROCESSES];
    struct server server;

    start(&server, _i, "1");
    ask_with_secret(&server, EARLIER);
    ck_assert_uint_eq(server_await_workers(&server, before, 1), 1);
    kill(before[0], SIGKILL);
    do
        server_await_workers(&server, after, 1);
    while (after[0] == before[0]);
    ck_assert(!is_in_reach(&server, EARLIER));
    server_stop_noisy(&server);
}
END_TEST

/* Two workers: one is in a handler with a body of its own. */
static void look_beside_running(int subject, size_t first_piece)
{
    struct server server;
    struct wire running;

    start(&server, subject, "2");
    running = hold_secret(&server, RUNNING, first_piece);
    ck_assert_int_eq(is_in_reach(&server, RUNNING), subject == THREAD);
    wire_close(&running);
    (void)server_stop(&server);
}

START_TEST(of_a_running_request)
{
    look_beside_running(_i, 0);
}
END_TEST

/* It has waited in the table, until it was whole; from then on it is its worker's alone. */
START_TEST(of_a_running_request_that_came_in_pieces)
{
    look_beside_running(_i, BODY / 2);
}
END_TEST

/* A head that has not come to its end waits in the table, which pool shares. */
START_TEST(of_a_request_that_arrives)
{
    static const char start_of_head[] = "GET / HTTP/1.1\r\nX-Secret: " PREFIX ARRIVING ";\r\n";
    struct server server;
    struct wire arriving;

    start(&server, _i, "2");
    arriving = wire_open(server.port);
    send_start(&arriving, start_of_head, strlen(start_of_head));
    ck_assert_int_eq(is_in_reach(&server, ARRIVING), _i != FRESH);
    wire_close(&arriving);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overread");
    TCase *tcase = tcase_create("overread");

    if (build_is_slow()) {
        puts("overread: left out: a sanitizer's allocator keeps, and looks at, other memory");
        return EXIT_SUCCESS;
    }
    add_for_each_subject(tcase, of_an_earlier_request);
    add_for_each_isolated(tcase, of_an_earlier_worker);
    add_for_each_subject(tcase, of_a_running_request);
    add_for_each_subject(tcase, of_a_running_request_that_came_in_pieces);
    add_for_each_subject(tcase, of_a_request_that_arrives);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
