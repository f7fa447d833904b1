/*
 * Clients that send or read a little at a time: they wait for the network, and nobody waits for
 * them.
 */
#include "bytes.h"
#include "patience.h"
#include "server.h"
#include "wire.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOW = 8, AT_ONCE_MS = 2000 };

/* Others are served meanwhile, on new connections and on one that is kept. */
static void expect_service(const struct server *server, struct wire *kept, const char *what)
{
    int64_t start = now_ms();

    for (int i = 0; i < 5; i++)
        wire_expect_usable(kept, what);
    ck_assert_msg(fetch_status(server->port, "/one.txt", patience(AT_ONCE_MS)) == 200,
                  "%s: %s: no service for a new client", server->subject->name, what);
    ck_assert_msg(now_ms() - start < patience(AT_ONCE_MS), "%s: %s: slow service",
                  server->subject->name, what);
}

/* One byte at a time of each slow client; between any two, everybody else is served. */
static void dribble(const struct server *server, struct wire *slow, const char *text,
                    const char *what)
{
    struct wire kept = wire_open(server->port);

    for (const char *at = text; *at != '\0'; at++) {
        for (int i = 0; i < SLOW; i++)
            ck_assert_msg(wire_send(&slow[i], at, 1), "%s: a slow client was cut off", what);
        if ((at - text) % 8 == 0)
            expect_service(server, &kept, what);
    }
    for (int i = 0; i < SLOW; i++) {
        wire_expect(&slow[i], 200, what);
        wire_expect_usable(&slow[i], what);
    }
    wire_close(&kept);
}

static void open_all(const struct server *server, struct wire *wires)
{
    for (int i = 0; i < SLOW; i++)
        wires[i] = wire_open(server->port);
}

static void close_all(struct wire *wires)
{
    for (int i = 0; i < SLOW; i++)
        wire_close(&wires[i]);
}

START_TEST(slow_heads_hold_no_worker)
{
    struct wire slow[SLOW];
    struct server server;

    server_start(&server, _i, OPTIONS("--workers", "1"));
    open_all(&server, slow);
    dribble(&server, slow, "GET /one.txt HTTP/1.1\r\nHost: test\r\nX-Slow: yes\r\n\r\n",
            "slow heads");
    close_all(slow);
    server_stop_clean(&server);
}
END_TEST

START_TEST(slow_bodies_hold_no_worker)
{
    struct wire slow[SLOW];
    struct server server;

    server_start(&server, _i, OPTIONS("--workers", "1", "--enable-demo"));
    open_all(&server, slow);
    for (int i = 0; i < SLOW; i++)
        ck_assert(wire_sendf(&slow[i],
                             "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 26\r\n\r\n"));
    dribble(&server, slow, "abcdefghijklmnopqrstuvwxyz", "slow bodies");
    for (int i = 0; i < SLOW; i++)
        ck_assert(wire_sendf(
            &slow[i], "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"));
    dribble(&server, slow, "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n", "slow chunks");
    close_all(slow);
    server_stop_clean(&server);
}
END_TEST

/* As a slow body, and so large that it waits in a descriptor. */
START_TEST(slow_large_bodies_hold_no_worker)
{
    enum { PIECES = 20, PIECE = 10000 };
    static char piece[PIECE];
    struct wire slow[SLOW], kept;
    struct server server;
    struct reply reply;

    memset(piece, 'p', sizeof(piece));
    server_start(&server, _i, OPTIONS("--workers", "1", "--enable-demo"));
    open_all(&server, slow);
    kept = wire_open(server.port);
    for (int i = 0; i < SLOW; i++)
        ck_assert(wire_sendf(&slow[i],
                             "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n",
                             PIECES * PIECE));
    for (int n = 0; n < PIECES; n++) {
        for (int i = 0; i < SLOW; i++)
            ck_assert(wire_send(&slow[i], piece, PIECE));
        expect_service(&server, &kept, "slow large bodies");
    }
    for (int i = 0; i < SLOW; i++) {
        reply = wire_expect(&slow[i], 200, "slow large bodies");
        ck_assert_uint_eq(reply.length, PIECES * PIECE);
        ck_assert_uint_eq(strspn(reply.body, "p"), PIECES * PIECE);
    }
    wire_close(&kept);
    close_all(slow);
    server_stop_clean(&server);
}
END_TEST

/* --- clients that do not read --- */

static struct bytes big_document(void)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/big.bin", workshop_root());
    return bytes_of_file(path);
}

START_TEST(answers_that_nobody_reads_hold_no_worker)
{
    struct bytes original = big_document();
    struct wire slow[SLOW], kept;
    struct server server;
    struct reply reply;

    server_start(&server, _i, OPTIONS("--workers", "1", "--enable-demo"));
    kept = wire_open(server.port);
    for (int i = 0; i < SLOW; i++) {
        slow[i] = wire_open_narrow(server.port);
        /* A file that goes by sendfile, and an answer that was made in memory. */
        ck_assert(wire_send_get(&slow[i], i % 2 ? "/big.bin" : "/work?bytes=5000000"));
    }
    for (int n = 0; n < 10; n++) {
        pause_ms(20);
        expect_service(&server, &kept, "unread answers");
    }
    for (int i = 0; i < SLOW; i++) {
        reply = wire_expect(&slow[i], 200, "read in the end");
        if (i % 2) {
            ck_assert_uint_eq(reply.length, BIG_SIZE);
            ck_assert_int_eq(memcmp(reply.body, original.at, BIG_SIZE), 0);
        } else {
            ck_assert_uint_eq(reply.length, 5000000);
            ck_assert_uint_eq(strspn(reply.body, "x"), 5000000);
        }
        wire_expect_usable(&slow[i], "after a slow read");
        wire_close(&slow[i]);
    }
    wire_close(&kept);
    bytes_free(&original);
    server_stop_clean(&server);
}
END_TEST

/* Longer than the time-outs, a byte now and then: alive is alive. */
START_TEST(a_slow_reader_is_not_cut_off)
{
    struct server server;
    struct wire wire;
    char piece[4096];
    size_t got = 0;
    int64_t end;

    server_start(&server, _i,
                 OPTIONS("--workers", "1", "--write-timeout", "1s", "--idle-timeout", "1s",
                         "--request-timeout", "1s", "--enable-demo"));
    wire = wire_open_narrow(server.port);
    ck_assert(wire_send_get(&wire, "/work?bytes=3000000"));
    end = now_ms() + 2500;
    while (now_ms() < end) {
        ssize_t n = recv(wire.fd, piece, sizeof(piece), 0);

        ck_assert_int_gt(n, 0);
        bytes_add(&wire.inbox, piece, (size_t)n);
        got += (size_t)n;
        pause_ms(40);
    }
    ck_assert_uint_gt(got, 0);
    ck_assert_uint_eq(wire_expect(&wire, 200, "a slow reader").length, 3000000);
    wire_close(&wire);
    server_stop_clean(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slow");
    TCase *tcase = tcase_create("slow");

    add_for_each_subject(tcase, slow_heads_hold_no_worker);
    add_for_each_subject(tcase, slow_bodies_hold_no_worker);
    add_for_each_subject(tcase, slow_large_bodies_hold_no_worker);
    add_for_each_subject(tcase, answers_that_nobody_reads_hold_no_worker);
    add_for_each_subject(tcase, a_slow_reader_is_not_cut_off);
    tcase_set_timeout(tcase, case_limit(40));
    suite_add_tcase(suite, tcase);
    return workshop_run(suite);
}
