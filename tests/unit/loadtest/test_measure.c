/*
 * One run as a whole: what its seed decides, and what belongs to it and not to its warm-up.
 */
#include "one_run.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patience.h"
#include "peer.h"
#include "unit.h"

enum { REQUESTS = 300, KEPT = 1 << 16 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/* The first letter of each path that was asked for, in order; the run has one connection. */
static char asked[KEPT];
static atomic_uint count;

static void keeps_a_record(int fd, void *context)
{
    char head[1024];
    (void)context;
    while (peer_read_head(fd, head, sizeof head)) {
        ck_assert_uint_lt(count, KEPT);
        asked[count++] = head[sizeof "GET /" - 1];
        if (!peer_send(fd, answer))
            return;
    }
}

/* The URLs /a and /b with their weights, in a file whose name is put into `name`. */
static void list_urls(char name[32], unsigned port)
{
    strcpy(name, "/tmp/tandem-urls-XXXXXX");
    FILE *file = fdopen(mkstemp(name), "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "3 http://127.0.0.1:%u/a\n1 http://127.0.0.1:%u/b\n", port, port);
    fclose(file);
}

/* What one run asked for after its warm-up, in which it asked for who knows how much. */
static void run_once(const char *urls, const char *seed, char sequence[REQUESTS])
{
    struct result r =
        MEASURE("-c1", "-t1", "-n300", "--warmup=20ms", "--inject=odd=20%", seed, "--urls", urls);
    ck_assert_uint_eq(ledger_class(&r.tally->ledger, OUTCOME_OK), REQUESTS);
    ck_assert_uint_ge(count, REQUESTS);
    memcpy(sequence, asked + count - REQUESTS, REQUESTS);
    result_free(&r);
}

START_TEST(a_seed_decides_what_is_asked_for)
{
    static struct peer peer = {.visit = keeps_a_record};
    char urls[32], one[REQUESTS], same[REQUESTS], other[REQUESTS];
    peer_start(&peer, AF_INET);
    list_urls(urls, peer.port);
    run_once(urls, "--seed=7", one);
    run_once(urls, "--seed=7", same);
    run_once(urls, "--seed=8", other);
    unlink(urls);
    ck_assert_mem_eq(one, same, REQUESTS);
    ck_assert(memcmp(one, other, REQUESTS) != 0);
    for (const char *kind = "abf"; *kind; kind++) /* f: /fault/odd */
        ck_assert_ptr_nonnull(memchr(one, *kind, REQUESTS));
}
END_TEST

/* Of the warm-up, one answer at most may come in late. */
START_TEST(bytes_are_those_of_the_run)
{
    static struct peer peer = {.visit = keeps_a_record};
    char url[64];
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    struct result r = MEASURE("-c1", "-t1", "-n10", "--warmup=50ms", url);
    ck_assert_uint_gt(count, 20);
    ck_assert_uint_ge(r.tally->bytes, 10 * (sizeof answer - 1));
    ck_assert_uint_le(r.tally->bytes, 11 * (sizeof answer - 1));
    result_free(&r);
}
END_TEST

/* Each thread needs descriptors of its own, beside the connections. */
START_TEST(threads_take_descriptors_too)
{
    static struct peer peer = {.visit = keeps_a_record};
    struct rlimit limit;
    char url[64];
    peer_start(&peer, AF_INET);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", peer.port);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 200 + 70;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct result r = MEASURE("-c100", "-t100", "-n200", url);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_ge(limit.rlim_cur, 100 + 200);
    result_free(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("measure");
    TCase *tests = tcase_create("measure");
    tcase_set_timeout(tests, case_limit(20));
    tcase_add_test(tests, a_seed_decides_what_is_asked_for);
    tcase_add_test(tests, bytes_are_those_of_the_run);
    tcase_add_test(tests, threads_take_descriptors_too);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
