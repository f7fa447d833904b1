/*
 * log_ring: what goes in comes out, whole and in order; what does not fit is counted; and nothing that
 * is written over it makes the reader leave it.
 */
#include "common/log_ring.h"

#include "unit.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RINGS = 3, ROOM = 64 << 10 };

static struct log_rings rings;
static struct log_dropped *dropped;
static char out[ROOM];

static void set_up(void)
{
    dropped =
        mmap(NULL, sizeof(*dropped), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(dropped, MAP_FAILED);
    ck_assert(log_rings_open(&rings, RINGS, dropped));
}

static void tear_down(void)
{
    log_rings_close(&rings);
    munmap(dropped, sizeof(*dropped));
}

static bool put(size_t ring, enum log_kind kind, const char *text)
{
    return log_ring_put(&rings, ring, kind, text, strlen(text));
}

/* Takes one batch, which is `text`. */
static void expect(size_t ring, enum log_kind kind, const char *text)
{
    struct log_batch batch;

    ck_assert(log_ring_look(&rings, ring, out, sizeof(out), &batch));
    ck_assert_int_eq(batch.kind, kind);
    ck_assert_msg(batch.length == strlen(text) && memcmp(out, text, batch.length) == 0,
                  "%.*s instead of %s", (int)batch.length, out, text);
    log_ring_done(&rings, ring, &batch);
}

static void expect_nothing(size_t ring)
{
    struct log_batch batch;

    ck_assert(!log_ring_look(&rings, ring, out, sizeof(out), &batch));
}

START_TEST(keeps_rings_and_kinds_apart)
{
    expect_nothing(0);
    ck_assert(put(0, LOG_ACCESS, "a\n") && put(0, LOG_ACCESS, "bc\n"));
    ck_assert(put(0, LOG_TROUBLE, "oh\n") && put(0, LOG_ACCESS, "d\n"));
    ck_assert(put(2, LOG_NEWS, "news\n"));
    expect(0, LOG_ACCESS, "a\nbc\n");
    expect(0, LOG_TROUBLE, "oh\n");
    expect(2, LOG_NEWS, "news\n");
    expect(0, LOG_ACCESS, "d\n");
    for (size_t i = 0; i < RINGS; i++)
        expect_nothing(i);
}
END_TEST

/* Until it is done, it is still there: for the one who comes after a dead logger. */
START_TEST(gives_up_nothing_before_it_is_done)
{
    struct log_batch batch;

    put(1, LOG_ACCESS, "once\n");
    ck_assert(log_ring_look(&rings, 1, out, sizeof(out), &batch));
    ck_assert(log_ring_look(&rings, 1, out, sizeof(out), &batch));
    expect(1, LOG_ACCESS, "once\n");
    expect_nothing(1);
}
END_TEST

/* Lines of all lengths, round and round. */
START_TEST(wraps)
{
    static char line[LOG_LINE];
    struct log_batch batch;

    for (size_t i = 0, n = 1; i < 2000; i++, n = n * 7 % LOG_LINE + 1) {
        memset(line, 'a' + (int)(i % 26), n - 1);
        line[n - 1] = '\n';
        ck_assert(log_ring_put(&rings, 1, LOG_ACCESS, line, n));
        ck_assert(log_ring_look(&rings, 1, out, sizeof(out), &batch));
        ck_assert_uint_eq(batch.length, n);
        ck_assert_int_eq(memcmp(out, line, n), 0);
        log_ring_done(&rings, 1, &batch);
    }
    ck_assert_uint_eq(atomic_load(&dropped->access), 0);
}
END_TEST

START_TEST(counts_what_finds_no_room)
{
    static char line[LOG_LINE];
    struct log_batch batch;
    uint64_t in = 0, lines = 0;

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\n';
    while (log_ring_put(&rings, 0, LOG_ACCESS, line, sizeof(line)))
        in++;
    ck_assert_uint_ge(in, 15);
    ck_assert(!log_ring_put(&rings, 0, LOG_TROUBLE, line, sizeof(line)));
    ck_assert_uint_eq(atomic_load(&dropped->access), 1);
    ck_assert_uint_eq(atomic_load(&dropped->error), 1);
    while (log_ring_look(&rings, 0, out, sizeof(out), &batch)) {
        ck_assert_uint_eq(batch.length % LOG_LINE, 0);
        lines += batch.length / LOG_LINE;
        log_ring_done(&rings, 0, &batch);
    }
    ck_assert_uint_eq(lines, in);
    ck_assert(log_ring_put(&rings, 0, LOG_ACCESS, line, sizeof(line)));
}
END_TEST

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void write_for_ever(void)
{
    char line[200];

    for (unsigned long i = 0;; i++) {
        int n = snprintf(line, sizeof(line), "%lu %.*s %lu\n", i, (int)(i * 31 % 150),
                         "----------------------------------------------------------------------"
                         "----------------------------------------------------------------------"
                         "----------",
                         i);
        log_ring_put(&rings, 0, LOG_ACCESS, line, (size_t)n);
    }
}

static void expect_whole_lines(const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        unsigned long first, last;
        ck_assert_int_eq(sscanf(text, "%lu %*[-] %lu\n", &first, &last) == 2 ||
                             sscanf(text, "%lu  %lu\n", &first, &last) == 2,
                         1);
        ck_assert_uint_eq(first, last);
        text = (const char *)memchr(text, '\n', (size_t)(end - text)) + 1;
    }
}

/* Whoever comes after one that was killed goes on behind its last whole line. */
START_TEST(survives_writers_that_are_killed)
{
    struct log_batch batch;
    size_t total = 0;

    for (int round = 0; round < 60; round++) {
        pid_t pid = fork();
        if (pid == 0)
            write_for_ever();
        for (int64_t until = now_ms() + 1 + round % 3; now_ms() < until;) {
            if (!log_ring_look(&rings, 0, out, sizeof(out) - 1, &batch))
                continue;
            out[batch.length] = '\0';
            expect_whole_lines(out, batch.length);
            total += batch.length;
            log_ring_done(&rings, 0, &batch);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    ck_assert_uint_gt(total, 10000);
}
END_TEST

/* A handler may write anything anywhere: under a sanitizer a step beyond the rings would be seen. */
START_TEST(stays_inside_whatever_is_written_over_it)
{
    struct log_batch batch;
    unsigned seed = 7;

    for (int round = 0; round < 20000; round++) {
        char *memory = (char *)rings.shared;
        size_t at = (size_t)rand_r(&seed) % 1024;
        size_t place = round % 2 ? (size_t)(rings.bytes - memory) + at : at;
        memory[place] = (char)rand_r(&seed);
        put((size_t)round % RINGS, LOG_ACCESS, "a line\n");
        for (size_t i = 0; i < RINGS; i++)
            for (int n = 0; n < 8 && log_ring_look(&rings, i, out, sizeof(out), &batch); n++) {
                ck_assert_uint_le(batch.length, sizeof(out));
                ck_assert_int_eq(out[batch.length - 1], '\n');
                log_ring_done(&rings, i, &batch);
            }
    }
    for (size_t i = 0; i < RINGS; i++) /* and is of use again */
        while (log_ring_look(&rings, i, out, sizeof(out), &batch))
            log_ring_done(&rings, i, &batch);
    ck_assert(put(1, LOG_ACCESS, "after all\n"));
    expect(1, LOG_ACCESS, "after all\n");
}
END_TEST

/* A ring that is empty, and whose ends are nowhere: the first line shows it, the next is written. */
START_TEST(is_of_use_again_whatever_its_ends_were)
{
    struct log_batch batch;
    const size_t ends = (size_t)(rings.bytes - (char *)rings.shared);

    for (int value = 0; value < 256; value++) {
        memset(rings.shared, value, ends);
        put(1, LOG_ACCESS, "lost\n");
        while (log_ring_look(&rings, 1, out, sizeof(out), &batch))
            log_ring_done(&rings, 1, &batch);
        ck_assert_msg(put(1, LOG_ACCESS, "again\n"), "after 0x%02x", (unsigned)value);
        expect(1, LOG_ACCESS, "again\n");
    }
}
END_TEST

START_TEST(a_line_wakes_one_who_sleeps)
{
    int64_t before = now_ms();
    pid_t pid = fork();

    if (pid == 0) {
        usleep(50000);
        put(2, LOG_ACCESS, "wake up\n");
        _exit(0);
    }
    while (now_ms() - before < 10000 &&
           !log_ring_look(&rings, 2, out, sizeof(out), &(struct log_batch){0}))
        log_rings_sleep(&rings, 10000);
    ck_assert_int_lt(now_ms() - before, 9000);
    expect(2, LOG_ACCESS, "wake up\n");
    waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(keeps_orders_until_they_are_asked_for)
{
    ck_assert_uint_eq(log_rings_ordered(&rings), 0);
    log_rings_order(&rings, LOG_REOPEN);
    log_rings_sleep(&rings, 60000); /* returns at once */
    ck_assert_uint_eq(log_rings_ordered(&rings), LOG_REOPEN);
    ck_assert_uint_eq(log_rings_ordered(&rings), 0);
    log_rings_order(&rings, LOG_CLOSE);
    ck_assert_uint_eq(log_rings_ordered(&rings), LOG_CLOSE);
    ck_assert_uint_eq(log_rings_ordered(&rings), LOG_CLOSE);
    log_rings_forget_orders(&rings);
    ck_assert_uint_eq(log_rings_ordered(&rings), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_ring");
    TCase *tcase = tcase_create("log_ring");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, keeps_rings_and_kinds_apart);
    tcase_add_test(tcase, gives_up_nothing_before_it_is_done);
    tcase_add_test(tcase, wraps);
    tcase_add_test(tcase, counts_what_finds_no_room);
    tcase_add_test(tcase, survives_writers_that_are_killed);
    tcase_add_test(tcase, stays_inside_whatever_is_written_over_it);
    tcase_add_test(tcase, is_of_use_again_whatever_its_ends_were);
    tcase_add_test(tcase, a_line_wakes_one_who_sleeps);
    tcase_add_test(tcase, keeps_orders_until_they_are_asked_for);
    tcase_set_timeout(tcase, 20);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
