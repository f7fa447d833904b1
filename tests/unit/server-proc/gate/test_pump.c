/*
 * pump: bytes both ways, as many as the other side takes and no more; and what ends on one side is an end
 * for the other. The client is OpenSSL's own, the worker a socket.
 */
#include "server-proc/gate/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/common/tls/scene.h"
#include "unit.h"

enum { MUCH = 3 << 20 };

static struct stage *stage;
static struct visit *visit;
static struct pump pump;
static int worker; /* its end of the pair */
static char sent[MUCH], got[MUCH];

static void open_pump(void)
{
    int ends[2];
    struct cert c = cert_for("DNS:localhost");
    stage = stage_new();
    add_pair(&stage->material, "localhost", &c);
    stage_open(stage);
    visit = visit_good(stage->context, &(struct client_spec){.name = "localhost"});
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    worker = ends[1];
    pump_open(&pump, visit->server, ends[0]);
    for (int i = 0; i < MUCH; i++)
        sent[i] = (char)(i * 31 + i / 251);
}

static void close_pump(void)
{
    pump_close(&pump);
    close(pump.pair);
    if (worker >= 0)
        close(worker);
    visit_close(visit);
    stage_free(stage);
}

/* As far as it goes, like a gate with one guest. */
static enum pump_result up(void)
{
    enum pump_result result;
    pump_client(&pump, false);
    while ((result = pump_up(&pump)) == PUMP_MORE)
        ;
    return result;
}

static enum pump_result down(void)
{
    enum pump_result result;
    pump_worker(&pump, worker < 0);
    while ((result = pump_down(&pump)) == PUMP_MORE)
        ;
    return result;
}

static size_t client_reads(char *to, size_t room)
{
    size_t n = 0;
    int piece;
    while (n < room && (piece = SSL_read(visit->client, to + n, (int)(room - n))) > 0)
        n += (size_t)piece;
    return n;
}

START_TEST(test_a_request_and_its_answer)
{
    ck_assert_int_eq(SSL_write(visit->client, "GET", 3), 3);
    ck_assert_int_eq(up(), PUMP_WAIT);
    ck_assert_int_eq(recv(worker, got, sizeof got, 0), 3);
    ck_assert_int_eq(memcmp(got, "GET", 3), 0);
    ck_assert_int_eq(down(), PUMP_WAIT);
    ck_assert_int_eq(send(worker, "200", 3, 0), 3);
    ck_assert_int_eq(down(), PUMP_WAIT);
    ck_assert_uint_eq(client_reads(got, sizeof got), 3);
    ck_assert_int_eq(memcmp(got, "200", 3), 0);
    ck_assert(!pump_waits_for_client(&pump) && !pump_waits_for_worker(&pump));
}
END_TEST

/* Nobody reads at first: all stops, and goes on from there. */
START_TEST(test_a_slow_worker)
{
    size_t given = 0, taken = 0;
    for (bool is_full = false; taken < MUCH;) {
        int n = SSL_write(visit->client, sent + given,
                          (int)(MUCH - given < 16384 ? MUCH - given : 16384));
        given += n > 0 ? (size_t)n : 0;
        ck_assert_int_eq(up(), PUMP_WAIT);
        is_full = is_full || (n <= 0 && pump_waits_for_worker(&pump));
        if (!is_full && given < MUCH)
            continue;
        ssize_t piece = recv(worker, got + taken, sizeof got - taken, 0);
        taken += piece > 0 ? (size_t)piece : 0;
    }
    ck_assert_int_eq(memcmp(sent, got, MUCH), 0);
    ck_assert(!pump_waits_for_worker(&pump));
}
END_TEST

START_TEST(test_a_slow_client)
{
    size_t given = 0, taken = 0;
    bool was_full = false;
    while (taken < MUCH) {
        ssize_t n = given < MUCH ? send(worker, sent + given, MUCH - given, 0) : 0;
        given += n > 0 ? (size_t)n : 0;
        ck_assert_int_eq(down(), PUMP_WAIT);
        if (n > 0)
            continue;
        was_full = was_full || pump_waits_for_client(&pump);
        if (given < MUCH)
            ck_assert(pump_waits_for_client(&pump));
        taken += client_reads(got + taken, 10000 < MUCH - taken ? 10000 : MUCH - taken);
    }
    ck_assert(was_full);
    ck_assert(!pump_waits_for_client(&pump));
    ck_assert_int_eq(memcmp(sent, got, MUCH), 0);
}
END_TEST

/* What was sent before it ended still arrives. */
START_TEST(test_the_worker_ends)
{
    ck_assert_int_eq(send(worker, "last", 4, 0), 4);
    close(worker);
    worker = -1;
    ck_assert_int_eq(down(), PUMP_ENDED);
    ck_assert_uint_eq(client_reads(got, sizeof got), 4);
}
END_TEST

START_TEST(test_the_worker_ends_and_has_not_read_all)
{
    ck_assert_int_eq(SSL_write(visit->client, "more", 4), 4);
    ck_assert_int_eq(up(), PUMP_WAIT);
    ck_assert_int_eq(send(worker, "last", 4, 0), 4);
    close(worker); /* ECONNRESET, behind what was sent */
    worker = -1;
    ck_assert_int_eq(down(), PUMP_ENDED);
    ck_assert_uint_eq(client_reads(got, sizeof got), 4);
    ck_assert_int_eq(SSL_write(visit->client, "unheard", 7), 7);
    ck_assert_int_eq(up(), PUMP_WAIT);
    ck_assert(pump.is_unheard);
}
END_TEST

START_TEST(test_the_client_ends)
{
    ck_assert_int_eq(SSL_write(visit->client, "last", 4), 4);
    SSL_shutdown(visit->client);
    ck_assert_int_eq(up(), PUMP_ENDED);
    ck_assert_int_eq(recv(worker, got, sizeof got, 0), 4);
    ck_assert_int_eq(send(worker, "200", 3, 0), 3); /* and can still be answered */
    ck_assert_int_eq(down(), PUMP_WAIT);
    ck_assert_uint_eq(client_reads(got, sizeof got), 3);
}
END_TEST

START_TEST(test_the_client_is_gone)
{
    close(visit->ends[1]);
    visit->ends[1] = -1;
    ck_assert_int_eq(send(worker, "200", 3, 0), 3);
    ck_assert_int_eq(down(), PUMP_BROKEN);
}
END_TEST

START_TEST(test_the_client_speaks_no_tls_any_more)
{
    ck_assert_int_eq(write(visit->ends[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    ck_assert_int_eq(up(), PUMP_BROKEN);
}
END_TEST

/* However much there is, others get their turn. */
START_TEST(test_a_share_is_bounded)
{
    size_t n, before;
    int buffer = MUCH;
    setsockopt(worker, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    setsockopt(visit->ends[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    n = (size_t)send(worker, sent, sizeof sent, 0);
    ck_assert_uint_ge(n, 300 * 1024);
    pump_worker(&pump, false);
    enum pump_result result = pump_down(&pump);
    before = client_reads(got, sizeof got);
    ck_assert(result == PUMP_MORE || pump_waits_for_client(&pump));
    ck_assert_uint_le(before, 256 * 1024);
    ck_assert_uint_gt(n, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pump");
    TCase *tcase = tcase_create("bytes");
    tcase_add_checked_fixture(tcase, open_pump, close_pump);
    tcase_add_test(tcase, test_a_request_and_its_answer);
    tcase_add_test(tcase, test_a_slow_worker);
    tcase_add_test(tcase, test_a_slow_client);
    tcase_add_test(tcase, test_the_worker_ends);
    tcase_add_test(tcase, test_the_worker_ends_and_has_not_read_all);
    tcase_add_test(tcase, test_the_client_ends);
    tcase_add_test(tcase, test_the_client_is_gone);
    tcase_add_test(tcase, test_the_client_speaks_no_tls_any_more);
    tcase_add_test(tcase, test_a_share_is_bounded);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
