/*
 * The whole machine against a server that misbehaves on demand: every kind of failure lands in its
 * class, and the ledger is exact each time.
 */
#include "loadtest/engine/engine.h"

#include "unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadtest/measure.h"
#include "loadtest/options.h"
#include "loadtest/units.h"

enum mode {
    FINE,
    CLOSES,
    RESETS,
    TRUNCATES,
    GARBAGE,
    INTERIM,
    TWICE,
    TO_EOF,
    CHUNKED,
    ANNOUNCES,
    STALLS,
    FAULTS
};

struct server {
    int listener;
    enum mode mode;
    char url[64];
};

struct visit {
    int fd;
    enum mode mode;
};

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static const char *text_of(enum mode mode)
{
    switch (mode) {
    case TRUNCATES:
        return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel";
    case GARBAGE:
        return "SSH-2.0-nothing\r\n\r\n";
    case INTERIM:
        return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" ANSWER;
    case TWICE:
        return ANSWER ANSWER;
    case TO_EOF:
        return "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    case CHUNKED:
        return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    case ANNOUNCES:
        return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    case FAULTS:
        return "HTTP/1.1 500 Crashed\r\nContent-Length: 0\r\n\r\n";
    default:
        return ANSWER;
    }
}

static bool misbehaves(const struct visit *v, int n, const char *request)
{
    if (v->mode == FAULTS)
        return strstr(request, "/fault/") != NULL;
    return n % 3 == 0 || v->mode == TO_EOF;
}

/* Reads one request (none of them has a body) into `request`; false at the end. */
static bool read_request(int fd, char *request, size_t room)
{
    size_t n = 0;
    while (n + 1 < room && read(fd, request + n, 1) == 1) {
        request[++n] = '\0';
        if (n >= 4 && strcmp(request + n - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

/* Every third request of a connection meets the misbehaviour. */
static void *serve(void *argument)
{
    struct visit v = *(struct visit *)argument;
    char request[1024];
    free(argument);
    for (int n = 1; read_request(v.fd, request, sizeof request); n++) {
        bool bad = misbehaves(&v, n, request);
        const char *text = text_of(bad ? v.mode : FINE);
        if (bad && v.mode == STALLS)
            sleep(1);
        if (bad && (v.mode == CLOSES || v.mode == STALLS))
            break;
        if (bad && v.mode == RESETS) {
            struct linger linger = {1, 0};
            setsockopt(v.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
            break;
        }
        if (send(v.fd, text, strlen(text), MSG_NOSIGNAL) < 0)
            break;
        if (bad &&
            (v.mode == TRUNCATES || v.mode == GARBAGE || v.mode == TO_EOF || v.mode == ANNOUNCES))
            break;
    }
    close(v.fd);
    return NULL;
}

static void *accept_all(void *argument)
{
    const struct server *s = argument;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct visit *v = malloc(sizeof *v);
        pthread_t thread;
        *v = (struct visit){fd, s->mode};
        pthread_create(&thread, NULL, serve, v);
        pthread_detach(thread);
    }
}

static void start(struct server *s, enum mode mode)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    pthread_t thread;
    s->mode = mode;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(listen(s->listener, 128), 0);
    getsockname(s->listener, (struct sockaddr *)&in, &size);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/", ntohs(in.sin_port));
    pthread_create(&thread, NULL, accept_all, s);
    pthread_detach(thread);
}

/* 300 requests over 4 connections, unless `more` says otherwise; each test is a process of its own,
 * so that what it leaves behind ends with it. */
static struct result measure(enum mode mode, const char *const *more)
{
    static struct server servers[8]; /* each goes on accepting until the test's process ends */
    static int started;
    struct server *server = &servers[started++];
    struct run_options o;
    struct result r;
    struct complaint why = {""};
    const char *argv[32] = {"-c4", "-t2", "-n300", "--timeout=10s", "--quiet"};
    int argc = 5;
    start(server, mode);
    for (; more && *more; more++)
        argv[argc++] = *more;
    argv[argc++] = server->url;
    run_options_default(&o);
    bool good =
        run_options_parse(&o, argc, (char *const *)argv, &why) && run_measure(&o, NULL, &r, &why);
    ck_assert_msg(good, "%s", why.text);
    ck_assert(ledger_balances(&r.tally->ledger));
    return r;
}

static void expect_only(struct result *r, enum outcome outcome, uint64_t n)
{
    const struct ledger *l = &r->tally->ledger;
    ck_assert_uint_eq(ledger_class(l, outcome), n);
    ck_assert_uint_eq(ledger_class(l, OUTCOME_OK) + (outcome == OUTCOME_OK ? 0 : n), 300);
    result_free(r);
}

START_TEST(a_good_server_answers_all)
{
    struct result r = measure(FINE, NULL);
    ck_assert_uint_eq(r.tally->connections, 4);
    expect_only(&r, OUTCOME_OK, 300);
}
END_TEST

START_TEST(pipelined_and_chunked_and_interim)
{
    static const char *const deep[] = {"--pipeline=8", NULL};
    struct result r = measure(CHUNKED, deep);
    expect_only(&r, OUTCOME_OK, 300);
    r = measure(INTERIM, deep);
    expect_only(&r, OUTCOME_OK, 300);
}
END_TEST

/* 300 requests over 4 connections: each connection's share is its own, so the third of each new
 * connection fails; which gives between 98 and 100 failures, depending on how the shares fall. */
static void expect_a_third(struct result *r, enum outcome outcome)
{
    uint64_t n = ledger_class(&r->tally->ledger, outcome);
    ck_assert_uint_ge(n, 98);
    ck_assert_uint_le(n, 100);
    expect_only(r, outcome, n);
}

START_TEST(each_failure_lands_in_its_class)
{
    static const struct {
        enum mode mode;
        enum outcome outcome;
    } cases[] = {{CLOSES, OUTCOME_CLOSED},
                 {RESETS, OUTCOME_RESET},
                 {TRUNCATES, OUTCOME_TRUNCATED},
                 {GARBAGE, OUTCOME_MALFORMED},
                 {TWICE, OUTCOME_SURPLUS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct result r = measure(cases[i].mode, NULL);
        expect_a_third(&r, cases[i].outcome);
    }
}
END_TEST

START_TEST(an_announced_end_costs_nobody_anything)
{
    struct result r = measure(ANNOUNCES, NULL);
    expect_only(&r, OUTCOME_OK, 300);
    r = measure(TO_EOF, NULL);
    expect_only(&r, OUTCOME_OK, 300);
}
END_TEST

START_TEST(a_stall_ends_at_the_deadline)
{
    static const char *const few[] = {"-n8", "-c2", "--timeout=300ms", NULL};
    struct result r = measure(STALLS, few);
    ck_assert_uint_ge(ledger_class(&r.tally->ledger, OUTCOME_DEADLINE), 2);
    ck_assert_int_ge(r.tally->failed.max_us, 300000);
    ck_assert_int_le(r.tally->failed.max_us, 900000);
    result_free(&r);
}
END_TEST

START_TEST(the_poisoned_are_not_victims_and_keep_their_connections)
{
    static const char *const poison[] = {"--inject=segv=20%", "--warmup=100ms", NULL};
    struct result r = measure(FAULTS, poison);
    uint64_t injected = r.tally->ledger.started[INJECTED];
    ck_assert_uint_ge(injected, 30);
    ck_assert_uint_le(injected, 90);
    ck_assert_uint_eq(r.tally->ledger.ended[INJECTED][OUTCOME_STATUS_5XX], injected);
    ck_assert_uint_eq(r.tally->fate.answered_5xx_kept, injected);
    ck_assert_uint_eq(r.tally->fate.connection_lost, 0);
    ck_assert_uint_eq(r.victims.failed, 0);
    result_free(&r);
}
END_TEST

START_TEST(nobody_there_is_refused_and_bounded)
{
    struct run_options o;
    struct result r;
    struct complaint why;
    char *const argv[] = {(char[]){"-c4"}, (char[]){"-d500ms"}, (char[]){"--quiet"},
                          (char[]){"http://127.0.0.1:1/"}};
    run_options_default(&o);
    ck_assert(run_options_parse(&o, 4, argv, &why) && run_measure(&o, NULL, &r, &why));
    ck_assert(ledger_balances(&r.tally->ledger));
    uint64_t refused = ledger_class(&r.tally->ledger, OUTCOME_REFUSED);
    ck_assert_uint_eq(refused, r.tally->ledger.scheduled);
    ck_assert_uint_ge(refused, 4);
    ck_assert_uint_le(refused, 400); /* the back-off holds: 4 × 50, and a few at first */
    result_free(&r);
}
END_TEST

START_TEST(the_open_loop_sends_as_many_as_planned)
{
    static const char *const split[] = {"-R", "500", "-d", "1s", "-n", "1m", NULL};
    struct result r = measure(FINE, split);
    ck_assert_uint_eq(r.tally->ledger.scheduled, 500);
    /* On a busy machine the last ones may find the run over before they leave. */
    ck_assert_uint_eq(ledger_class(&r.tally->ledger, OUTCOME_OK) + r.tally->ledger.never_sent, 500);
    ck_assert_uint_lt(r.tally->ledger.never_sent, 250);
    result_free(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *tests = tcase_create("engine");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_good_server_answers_all);
    tcase_add_test(tests, pipelined_and_chunked_and_interim);
    tcase_add_test(tests, each_failure_lands_in_its_class);
    tcase_add_test(tests, an_announced_end_costs_nobody_anything);
    tcase_add_test(tests, a_stall_ends_at_the_deadline);
    tcase_add_test(tests, the_poisoned_are_not_victims_and_keep_their_connections);
    tcase_add_test(tests, nobody_there_is_refused_and_bounded);
    tcase_add_test(tests, the_open_loop_sends_as_many_as_planned);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
