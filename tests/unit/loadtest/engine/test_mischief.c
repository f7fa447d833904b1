/*
 * Wire faults, as the server sees them, and in which column each of them ends; the innocent, on
 * connections of their own, notice nothing.
 */
#include "loadtest/engine/mischief.h"

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../one_run.h"
#include "patience.h"
#include "peer.h"
#include "unit.h"

#include "loadtest/units.h"

enum { BIG = 8 << 20, TIMEOUT_MS = 200 };

static char big_body[BIG + 1];
static const char good_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/* What came on connections that did not behave. */
struct sight {
    atomic_uint connections;
    atomic_uint most;   /* bytes on one of them */
    atomic_uint ends;   /* by FIN */
    atomic_uint resets; /* by RST */
};

static struct sight seen;

/* Reads up to the end, and takes note of it. */
static void watch(int fd)
{
    char bytes[4096];
    size_t sum = 1; /* the first was read before */
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        sum += (size_t)n;
    if (n == 0)
        seen.ends++;
    else if (errno == ECONNRESET)
        seen.resets++;
    if (sum > seen.most)
        seen.most = (unsigned)sum;
}

/* Innocent requests ask for "/", and come in one piece; all else is odd. */
static bool is_innocent(const char *text)
{
    size_t n = strlen(text);
    return strncmp(text, "GET / ", 6) == 0 && strcmp(text + n - 4, "\r\n\r\n") == 0;
}

/* Serves the innocent. True: this is another kind of client, and `seen` knows what it began with. */
static bool meets_another(int fd)
{
    char text[1024];
    ssize_t n;
    while ((n = recv(fd, text, sizeof text - 1, 0)) > 0) {
        text[n] = '\0';
        if (!is_innocent(text)) {
            seen.connections++;
            seen.most = (unsigned)n > seen.most ? (unsigned)n : seen.most;
            return true;
        }
        if (!peer_send(fd, good_answer))
            return false;
    }
    return false;
}

static void just_watches(int fd, void *context)
{
    (void)context;
    if (meets_another(fd))
        watch(fd);
}

/* Answers to the first bytes, whatever they are, and waits for the client to go. */
static void answers_at_once(int fd, void *context)
{
    if (!meets_another(fd))
        return;
    peer_send(fd, context);
    watch(fd);
}

/* Answers after the client's FIN. */
static void answers_at_the_end(int fd, void *context)
{
    if (!meets_another(fd))
        return;
    watch(fd);
    peer_send(fd, context);
}

/* Sends more than any buffer holds. */
static void answers_at_length(int fd, void *context)
{
    (void)context;
    if (!meets_another(fd))
        return;
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    if (!peer_send(fd, big_body))
        seen.resets++;
}

static void closes(int fd, void *context)
{
    (void)context;
    (void)meets_another(fd);
}

#define REFUSAL "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define TOO_SLOW "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static const struct {
    const char *inject;
    void (*visit)(int fd, void *context);
    const char *answer;
    enum outcome outcome;
} cases[] = {
    {"drip", just_watches, NULL, OUTCOME_DEADLINE},
    {"drip", closes, NULL, OUTCOME_CLOSED},
    {"half-close", answers_at_the_end, good_answer, OUTCOME_OK},
    {"half-close", closes, NULL, OUTCOME_CLOSED},
    {"reset-request", just_watches, NULL, OUTCOME_ABANDONED},
    {"reset-response", answers_at_once, good_answer, OUTCOME_ABANDONED},
    {"reset-response", answers_at_length, NULL, OUTCOME_ABANDONED},
    {"reset-response", just_watches, NULL, OUTCOME_DEADLINE},
    {"garbage", answers_at_once, REFUSAL, OUTCOME_STATUS_4XX},
    {"garbage", just_watches, NULL, OUTCOME_DEADLINE},
    {"stalled-reader", answers_at_length, NULL, OUTCOME_ABANDONED},
    {"stalled-reader", answers_at_once, good_answer, OUTCOME_ABANDONED},
};

/* 10 of 40 requests, each on a connection of its own; the run waits for all of them to end. */
static struct result misbehave(const char *inject, void (*visit)(int, void *), const char *answer)
{
    static struct peer peer;
    char url[64], odd[128], option[64], timeout[32];
    peer = (struct peer){.visit = visit, .context = (void *)answer};
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    snprintf(odd, sizeof odd, "--inject-url=%.20s=%sodd", inject, url);
    snprintf(option, sizeof option, "--inject=%s@0s/20ms", inject);
    snprintf(timeout, sizeof timeout, "--timeout=%dms", patience(TIMEOUT_MS));
    return MEASURE("-c4", "-t1", "-R200", "-n40", timeout, "--warmup=20ms", option, odd, url);
}

START_TEST(each_kind_ends_in_its_column)
{
    struct result r = misbehave(cases[_i].inject, cases[_i].visit, cases[_i].answer);
    const struct ledger *l = &r.tally->ledger;
    ck_assert_uint_eq(l->started[INJECTED], 10);
    ck_assert_uint_eq(l->started[INNOCENT], 30);
    ck_assert_msg(l->ended[INJECTED][cases[_i].outcome] == 10, "%s: %llu", cases[_i].inject,
                  (unsigned long long)l->ended[INJECTED][cases[_i].outcome]);
    ck_assert_uint_eq(r.tally->fate.wire, 10);
    ck_assert_uint_eq(r.tally->fate.connection_lost, 0);
    ck_assert_uint_eq(ledger_failed(l, INNOCENT), 0);
    ck_assert_uint_eq(r.tally->connections, 4); /* no innocent one had to come back */
    result_free(&r);
}
END_TEST

static bool are_ten(void *count)
{
    return *(atomic_uint *)count == 10;
}

START_TEST(a_drip_is_slow)
{
    struct result r = misbehave("drip", just_watches, NULL);
    ck_assert(eventually(are_ten, &seen.connections, patience(2000)));
    ck_assert_uint_le(seen.most, 1 + (unsigned)patience(TIMEOUT_MS) / 100);
    result_free(&r);
}
END_TEST

START_TEST(a_drip_takes_no_for_an_answer)
{
    struct result r = misbehave("drip", answers_at_once, TOO_SLOW);
    ck_assert_uint_eq(r.tally->ledger.ended[INJECTED][OUTCOME_STATUS_4XX], 10);
    result_free(&r);
}
END_TEST

START_TEST(half_a_request_and_a_reset)
{
    struct result r = misbehave("reset-request", just_watches, NULL);
    ck_assert(eventually(are_ten, &seen.resets, patience(2000)));
    ck_assert_uint_ge(seen.most, 15);
    ck_assert_uint_le(seen.most, 25); /* half of "GET /odd HTTP/1.1", "Host: 127.0.0.1:…" */
    result_free(&r);
}
END_TEST

static atomic_uint blank, filled;

static void looks_for_blanks(int fd, void *context)
{
    char head[1024];
    (void)context;
    while (peer_read_head(fd, head, sizeof head)) {
        if (strchr(head, '{'))
            blank++;
        else
            filled++;
        if (!peer_send(fd, good_answer))
            return;
    }
}

START_TEST(its_blanks_are_filled_in_too)
{
    static struct peer peer;
    char url[64];
    peer = (struct peer){.visit = looks_for_blanks};
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/{seq}", peer.port);
    struct result r = MEASURE("-c2", "-t1", "-n40", "--warmup=1ms", "--inject=half-close=50%",
                              "-HX-Dice: {rand:1-6}", url);
    ck_assert_uint_gt(r.tally->fate.wire, 5);
    ck_assert_uint_eq(ledger_class(&r.tally->ledger, OUTCOME_OK), 40);
    ck_assert_uint_eq(blank, 0);
    ck_assert_uint_ge(filled, 40);
    result_free(&r);
}
END_TEST

START_TEST(garbage_is_whole_lines)
{
    struct result r = misbehave("garbage", just_watches, NULL);
    ck_assert(eventually(are_ten, &seen.connections, patience(2000)));
    result_free(&r);
}
END_TEST

START_TEST(a_stalled_reader_holds_its_server_up)
{
    struct result r = misbehave("stalled-reader", answers_at_length, NULL);
    ck_assert(eventually(are_ten, &seen.resets, patience(2000)));
    ck_assert_uint_lt(r.tally->bytes, 200 * sizeof good_answer);
    result_free(&r);
}
END_TEST

/* More than can be under way at once are counted, not started, and the ledger knows. */
START_TEST(a_gang_has_an_end)
{
    static struct peer peer;
    char url[64];
    peer = (struct peer){.visit = just_watches};
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    struct result r =
        MEASURE("-c4", "-t1", "-n1000", "--timeout=1s", "--warmup=50ms", "--inject=drip=60%", url);
    const struct ledger *l = &r.tally->ledger;
    ck_assert_uint_eq(l->scheduled, 1000);
    ck_assert_uint_ge(l->started[INJECTED], GANG_SIZE);
    ck_assert_uint_eq(l->ended[INJECTED][OUTCOME_DEADLINE], l->started[INJECTED]);
    ck_assert_uint_ge(l->started[INJECTED] + l->crowded_out, 500);
    ck_assert_uint_eq(l->never_sent, l->crowded_out);
    if (!build_is_slow()) /* else some may have ended by then, and made room */
        ck_assert_uint_eq(l->started[INJECTED], GANG_SIZE);
    result_free(&r);
}
END_TEST

START_TEST(nobody_there_is_refused)
{
    struct result r =
        MEASURE("-c1", "-n10", "--warmup=10ms", "--inject=garbage=100%", "http://127.0.0.1:1/");
    ck_assert_uint_eq(r.tally->ledger.ended[INJECTED][OUTCOME_REFUSED], 10);
    result_free(&r);
}
END_TEST

/* What fault.c calls a fault of the wire is one that is known here. */
START_TEST(the_two_tables_agree)
{
    static const char *const names[] = {"drip",           "half-close", "reset-request",
                                        "reset-response", "garbage",    "stalled-reader"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct injection injection;
        struct complaint why = {""};
        char text[64];
        snprintf(text, sizeof text, "%s=1%%", names[i]);
        ck_assert(injection_parse(text, &injection, &why));
        ck_assert_int_eq(injection.level, FAULT_WIRE);
        ck_assert_ptr_nonnull(mischief_kind(names[i]));
    }
    ck_assert_ptr_null(mischief_kind("segv"));
}
END_TEST

int main(void)
{
    memset(big_body, 'x', BIG);
    Suite *suite = suite_create("mischief");
    TCase *tests = tcase_create("mischief");
    tcase_set_timeout(tests, case_limit(15));
    tcase_add_loop_test(tests, each_kind_ends_in_its_column, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tests, a_drip_is_slow);
    tcase_add_test(tests, a_drip_takes_no_for_an_answer);
    tcase_add_test(tests, half_a_request_and_a_reset);
    tcase_add_test(tests, its_blanks_are_filled_in_too);
    tcase_add_test(tests, garbage_is_whole_lines);
    tcase_add_test(tests, a_stalled_reader_holds_its_server_up);
    tcase_add_test(tests, a_gang_has_an_end);
    tcase_add_test(tests, nobody_there_is_refused);
    tcase_add_test(tests, the_two_tables_agree);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
