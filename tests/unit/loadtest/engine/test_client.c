/*
 * One connection against servers of every kind: how each answer is judged, and when its first byte
 * came.
 */
#include <arpa/inet.h>
#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../one_run.h"
#include "patience.h"
#include "peer.h"
#include "unit.h"

#include "loadtest/units.h"

/* What a server says to each request, and how it ends the connection then. */
struct script {
    const char *say;
    const char *then; /* said PAUSE_MS later; NULL: nothing */
    enum { KEEP, CLOSE, RESET, STALL } end;
};

enum { PAUSE_MS = 60, LARGE = 16 << 20 /* more than the buffers of a socket hold */ };

static void follow(int fd, void *context)
{
    const struct script *script = context;
    char head[1024];
    while (peer_read_head(fd, head, sizeof head) && peer_send(fd, script->say)) {
        if (script->then)
            pause_ms(PAUSE_MS);
        if (script->then && !peer_send(fd, script->then))
            return;
        if (script->end == RESET)
            peer_will_reset(fd);
        if (script->end == CLOSE || script->end == RESET)
            return;
    }
}

#define OK "HTTP/1.1 200 OK\r\n"
#define WHOLE OK "Content-Length: 5\r\n\r\nhello"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"

static const struct {
    const char *what;
    struct script script;
    enum outcome outcome;
    const char *option;
} answers[] = {
    {"a length", {WHOLE, NULL, KEEP}, OUTCOME_OK, "-mGET"},
    {"chunks", {CHUNKED "5\r\nhello\r\n0\r\n\r\n", NULL, KEEP}, OUTCOME_OK, "-mGET"},
    {"up to the end", {OK "\r\nhello", NULL, CLOSE}, OUTCOME_OK, "-mGET"},
    {"HTTP/1.0", {"HTTP/1.0 200 OK\r\n\r\nhello", NULL, CLOSE}, OUTCOME_OK, "-mGET"},
    {"HEAD", {OK "Content-Length: 99\r\n\r\n", NULL, KEEP}, OUTCOME_OK, "-mHEAD"},
    {"204", {"HTTP/1.1 204 No Content\r\n\r\n", NULL, KEEP}, OUTCOME_OK, "-mGET"},
    {"304",
     {"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", NULL, KEEP},
     OUTCOME_OK,
     "-mGET"},
    {"301", {"HTTP/1.1 301 Moved\r\nLocation: /x\r\n" EMPTY, NULL, KEEP}, OUTCOME_OK, "-mGET"},
    {"1xx first",
     {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" WHOLE, NULL, KEEP},
     OUTCOME_OK,
     "-mGET"},
    {"404", {"HTTP/1.1 404 Not Found\r\n" EMPTY, NULL, KEEP}, OUTCOME_STATUS_4XX, "-mGET"},
    {"503", {"HTTP/1.1 503 Busy\r\n" EMPTY, NULL, KEEP}, OUTCOME_STATUS_5XX, "-mGET"},
    {"101",
     {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", NULL, KEEP},
     OUTCOME_MALFORMED,
     "-mGET"},
    {"no HTTP", {"SSH-2.0-x\r\n\r\n", NULL, KEEP}, OUTCOME_MALFORMED, "-mGET"},
    {"a bad chunk", {CHUNKED "zz\r\n", NULL, KEEP}, OUTCOME_MALFORMED, "-mGET"},
    {"two answers", {WHOLE WHOLE, NULL, KEEP}, OUTCOME_SURPLUS, "-mGET"},
    {"FIN at once", {"", NULL, CLOSE}, OUTCOME_CLOSED, "-mGET"},
    {"RST at once", {"", NULL, RESET}, OUTCOME_RESET, "-mGET"},
    {"1xx, then FIN", {"HTTP/1.1 100 Continue\r\n\r\n", NULL, CLOSE}, OUTCOME_CLOSED, "-mGET"},
    {"FIN in the head", {OK "Content-Le", NULL, CLOSE}, OUTCOME_TRUNCATED, "-mGET"},
    {"FIN in the body",
     {OK "Content-Length: 9\r\n\r\nhel", NULL, CLOSE},
     OUTCOME_TRUNCATED,
     "-mGET"},
    {"FIN between chunks", {CHUNKED "5\r\nhello\r\n", NULL, CLOSE}, OUTCOME_TRUNCATED, "-mGET"},
    {"FIN before the last chunk's end", {CHUNKED "0\r\n", NULL, CLOSE}, OUTCOME_TRUNCATED, "-mGET"},
    {"RST in the body",
     {OK "Content-Length: 9\r\n\r\nhel", "l", RESET},
     OUTCOME_TRUNCATED,
     "-mGET"},
    {"silence", {"", NULL, STALL}, OUTCOME_DEADLINE, "--timeout=100ms"},
    {"silence in the body",
     {OK "Content-Length: 9\r\n\r\nhel", NULL, STALL},
     OUTCOME_DEADLINE,
     "--timeout=100ms"},
};

START_TEST(each_answer_is_judged)
{
    struct script script = answers[_i].script;
    struct peer peer = {.visit = follow, .context = &script};
    char url[64];
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    struct result r = MEASURE("-c2", "-t1", "-n6", answers[_i].option, url);
    expect_all(&r, 6, answers[_i].outcome, answers[_i].what);
    result_free(&r);
}
END_TEST

/* The first byte of the answer, not of what comes ahead of it, and not the last. */
START_TEST(the_first_byte_is_not_the_last)
{
    static const struct {
        struct script script;
        bool early;
    } cases[] = {{{OK "Content-Length: 5\r\n", "\r\nhello", KEEP}, true},
                 {{OK "Content-Length: 5\r\n\r\nhe", "llo", KEEP}, true},
                 {{"HTTP/1.1 100 Continue\r\n\r\n", WHOLE, KEEP}, false},
                 {{"HTTP/1.1 100 Conti", "nue\r\n\r\n" WHOLE, KEEP}, false}};
    struct script script = cases[_i].script;
    struct peer peer = {.visit = follow, .context = &script};
    char url[64];
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    struct result r = MEASURE("-c1", "-n5", url);
    const struct tally *t = r.tally;
    expect_all(&r, 5, OUTCOME_OK, script.say);
    ck_assert_uint_eq(t->first_byte.total, 5);
    ck_assert_int_ge(hist_quantile_us(&t->raw, 0), PAUSE_MS * 1000 * 9 / 10);
    uint64_t late = hist_count_above(&t->first_byte, PAUSE_MS * 1000 * 9 / 10);
    if (!cases[_i].early)
        ck_assert_uint_eq(late, 5);
    else if (!build_is_slow()) /* one of the five may have been held up */
        ck_assert_uint_le(late, 4);
    result_free(&r);
}
END_TEST

START_TEST(connecting_is_timed)
{
    struct script script = {WHOLE, NULL, KEEP};
    struct peer peer = {.visit = follow, .context = &script};
    char url[64];
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    struct result r = MEASURE("-c2", "-t2", "-n20", "--no-keepalive", url);
    expect_all(&r, 20, OUTCOME_OK, "no keep-alive");
    ck_assert_uint_ge(r.tally->connections, 20);
    ck_assert_uint_eq(r.tally->connect.total, r.tally->connections);
    result_free(&r);
}
END_TEST

/* A listener whose backlog is full drops what comes: nobody refuses, nobody answers. */
struct black_hole {
    int listener;
    int fds[4]; /* more than a backlog of 0 takes */
};

static void open_hole(struct black_hole *hole, char url[64])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    hole->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(hole->listener, (struct sockaddr *)&in, size), 0);
    ck_assert_int_eq(listen(hole->listener, 0), 0);
    getsockname(hole->listener, (struct sockaddr *)&in, &size);
    for (int i = 0; i < 4; i++) {
        hole->fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(hole->fds[i], (struct sockaddr *)&in, size);
    }
    pause_ms(50);
    snprintf(url, 64, "http://127.0.0.1:%u/", ntohs(in.sin_port));
}

static void close_hole(struct black_hole *hole)
{
    for (int i = 0; i < 4; i++)
        close(hole->fds[i]);
    close(hole->listener);
}

START_TEST(no_connection_within_the_time)
{
    struct black_hole hole;
    char url[64];
    open_hole(&hole, url);
    struct result r = MEASURE("-c2", "-t1", "-n4", "--timeout=100ms", url);
    expect_all(&r, 4, OUTCOME_CONNECT_TIMEOUT, "a full backlog");
    result_free(&r);
    close_hole(&hole);
}
END_TEST

/* The same in a run that ends before: what was asked for while connecting is in the ledger. */
START_TEST(a_run_that_never_got_through)
{
    struct black_hole hole;
    char url[64];
    open_hole(&hole, url);
    struct result r = MEASURE("-c3", "-t1", "-d200ms", url);
    ck_assert_uint_eq(r.tally->ledger.scheduled, 3);
    ck_assert_uint_eq(r.tally->ledger.unfinished[INNOCENT], 3);
    result_free(&r);
    close_hole(&hole);
}
END_TEST

/* Answers as soon as the head is there, and takes its time to read the body, of which it expects
 * every byte before the next request. */
static void answers_early(int fd, void *context)
{
    char head[1024];
    (void)context;
    while (peer_read_head(fd, head, sizeof head)) {
        if (strncmp(head, "POST / HTTP/1.1\r\n", 17) != 0 ||
            !peer_send(fd, "HTTP/1.1 413 Too Large\r\n" EMPTY))
            return;
        pause_ms(PAUSE_MS);
        for (size_t left = LARGE; left > 0;) {
            ssize_t n = read(fd, head, left < sizeof head ? left : sizeof head);
            if (n <= 0)
                return;
            left -= (size_t)n;
        }
    }
}

/* The next request must not begin in the midst of the one before. */
START_TEST(an_answer_ahead_of_the_request)
{
    struct peer peer = {.visit = answers_early};
    char url[64], size[32];
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    snprintf(size, sizeof size, "--body-size=%d", LARGE);
    struct result r = MEASURE("-c1", "-n5", "--timeout=5s", size, url);
    expect_all(&r, 5, OUTCOME_STATUS_4XX, "early answers");
    result_free(&r);
}
END_TEST

/* A port that nobody listens on, among those that outgoing connections take first: the even ones. */
static unsigned port_of_nobody(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), error = -1;
    unsigned port = 40000;
    for (; error != 0 && port < 50000; port += 2) {
        in.sin_port = htons((uint16_t)port);
        error = bind(fd, (struct sockaddr *)&in, sizeof in);
    }
    close(fd);
    return port - 2;
}

static bool all_are_refused(void)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port_of_nobody());
    struct result r = MEASURE("-c256", "-t1", "-n30000", "-d5s", url);
    const struct ledger *l = &r.tally->ledger;
    ck_assert_uint_gt(l->started[INNOCENT], 0);
    bool all =
        l->ended[INNOCENT][OUTCOME_REFUSED] + l->unfinished[INNOCENT] == l->started[INNOCENT] &&
        r.tally->connections == 0;
    result_free(&r);
    return all;
}

/* A connection to such a port is soon one with itself, and answers in our own words. (Not noticed when
 * it is a connection's first attempt, of which there are 256 in 30,000; hence three tries.) */
START_TEST(nobody_talks_to_himself)
{
    ck_assert(all_are_refused() || all_are_refused() || all_are_refused());
}
END_TEST

START_TEST(over_ipv6_and_a_unix_socket)
{
    struct script script = {WHOLE, NULL, KEEP};
    struct peer six = {.visit = follow, .context = &script};
    char url[160];
    peer_start(&six, AF_INET6);
    snprintf(url, sizeof url, "http://[::1]:%u/", six.port);
    struct result r = MEASURE("-c2", "-t1", "-n6", url);
    expect_all(&r, 6, OUTCOME_OK, url);
    result_free(&r);
    char path[64];
    snprintf(path, sizeof path, "/tmp/tandem-peer-%d.sock", (int)getpid());
    snprintf(url, sizeof url, "unix:%s:/", path);
    struct peer local = {.visit = follow, .context = &script, .path = path};
    peer_start(&local, AF_UNIX);
    r = MEASURE("-c2", "-t1", "-n6", url);
    unlink(path);
    expect_all(&r, 6, OUTCOME_OK, url);
    result_free(&r);
    r = MEASURE("-c2", "-t1", "-n6", url);
    expect_all(&r, 6, OUTCOME_REFUSED, "no such socket");
    result_free(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *tests = tcase_create("client");
    tcase_set_timeout(tests, case_limit(10));
    tcase_add_loop_test(tests, each_answer_is_judged, 0, (int)(sizeof answers / sizeof answers[0]));
    tcase_add_loop_test(tests, the_first_byte_is_not_the_last, 0, 4);
    tcase_add_test(tests, connecting_is_timed);
    tcase_add_test(tests, no_connection_within_the_time);
    tcase_add_test(tests, a_run_that_never_got_through);
    tcase_add_test(tests, an_answer_ahead_of_the_request);
    tcase_add_test(tests, nobody_talks_to_himself);
    tcase_add_test(tests, over_ipv6_and_a_unix_socket);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
