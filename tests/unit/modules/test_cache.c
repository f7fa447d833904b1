/*
 * cache: what was put is got, byte for byte, or nothing is; whoever is killed or stopped meanwhile.
 */
#include "host.h"
#include "patience.h"
#include "unit.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_VALUE = 4096, LIMIT_KEY = 128 };

static struct host host;

static void set_up(void)
{
    host = host_open("cache", "256k");
    ck_assert_pstr_eq(host.refusal, NULL);
}

static void tear_down(void)
{
    host_close(&host);
}

static int put(const char *target, const char *type, const void *body, size_t length)
{
    struct reply_of_module reply =
        host_ask(&host, &(struct question){"PUT", target, type, body, length, 0});

    bytes_free(&reply.body);
    return reply.status;
}

static int delete (const char *target)
{
    struct reply_of_module reply =
        host_ask(&host, &(struct question){.method = "DELETE", .target = target});

    bytes_free(&reply.body);
    return reply.status;
}

static int get_status(const char *target)
{
    struct reply_of_module reply = host_get(&host, target);

    bytes_free(&reply.body);
    return reply.status;
}

static void expect(const char *target, const char *type, const char *body, size_t length)
{
    struct reply_of_module reply = host_get(&host, target);

    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.type, type);
    ck_assert_uint_eq(reply.body.length, length);
    ck_assert(length == 0 || memcmp(reply.body.at, body, length) == 0);
    bytes_free(&reply.body);
}

static long stat_of(const char *name)
{
    struct reply_of_module reply = host_get(&host, "/cache-stats");
    char quoted[32];
    const char *at;
    long value;

    snprintf(quoted, sizeof(quoted), "\"%s\":", name);
    at = strstr(reply.body.at, quoted);
    ck_assert_msg(at != NULL, "no %s in %s", name, reply.body.at);
    value = atol(at + strlen(quoted));
    bytes_free(&reply.body);
    return value;
}

START_TEST(keeps_what_it_was_given)
{
    ck_assert_int_eq(get_status("/cache/a"), 404);
    ck_assert_int_eq(put("/cache/a", "text/html", "one", 3), 201);
    ck_assert_int_eq(put("/cache/b/c", NULL, "\0\1\2", 3), 201);
    expect("/cache/a", "text/html", "one", 3);
    expect("/cache/b/c", "application/octet-stream", "\0\1\2", 3);
    ck_assert_int_eq(put("/cache/a", "text/plain", "", 0), 204);
    expect("/cache/a", "text/plain", "", 0);
    ck_assert_int_eq(delete ("/cache/a"), 204);
    ck_assert_int_eq(delete ("/cache/a"), 404);
    ck_assert_int_eq(get_status("/cache/a"), 404);
    ck_assert_int_eq(stat_of("hits"), 3);
    ck_assert_int_eq(stat_of("misses"), 2);
    ck_assert_int_eq(stat_of("stores"), 3);
}
END_TEST

/* Every length: the last word of an entry is filled differently. */
START_TEST(keeps_values_of_any_length)
{
    char body[LIMIT_VALUE + 1];
    int wrong = 0;

    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 7 + 1);
    for (size_t length = 0; length <= LIMIT_VALUE; length += length < 40 ? 1 : 507) {
        struct reply_of_module reply;

        put("/cache/some", "a/b", body, length);
        reply = host_get(&host, "/cache/some");
        wrong += reply.status != 200 || reply.body.length != length ||
                 (length > 0 && memcmp(reply.body.at, body, length) != 0);
        bytes_free(&reply.body);
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(put("/cache/some", "a/b", body, LIMIT_VALUE), 204);
    ck_assert_int_eq(put("/cache/some", "a/b", body, LIMIT_VALUE + 1), 413);
}
END_TEST

START_TEST(reads_bodies_from_descriptors)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    struct question question = {"PUT", "/cache/fd", "a/b", NULL, 7, fd};
    struct reply_of_module reply;

    ck_assert_int_eq(write(fd, "spooled", 7), 7);
    reply = host_ask(&host, &question);
    ck_assert_int_eq(reply.status, 201);
    expect("/cache/fd", "a/b", "spooled", 7);
    question.length = 8; /* the file is shorter than they say */
    reply = host_ask(&host, &question);
    ck_assert_int_eq(reply.status, 500);
    close(fd);
}
END_TEST

START_TEST(refuses_bad_keys_and_types)
{
    char target[32 + LIMIT_KEY] = "/cache/", type[82];

    memset(target + 7, 'k', LIMIT_KEY);
    ck_assert_int_eq(put(target, NULL, "x", 1), 201);
    expect(target, "application/octet-stream", "x", 1);
    target[7 + LIMIT_KEY] = 'k';
    ck_assert_int_eq(put(target, NULL, "x", 1), 400);
    ck_assert_int_eq(get_status(target), 400);
    ck_assert_int_eq(put("/cache/", NULL, "x", 1), 400);
    ck_assert_int_eq(put("/cache/a b", NULL, "x", 1), 400);
    ck_assert_int_eq(put("/cache/a\n", NULL, "x", 1), 400);
    ck_assert_int_eq(put("/cache/\xc3\xa4", NULL, "x", 1), 201);
    memset(type, 't', sizeof(type));
    type[81] = '\0';
    ck_assert_int_eq(put("/cache/t", type, "x", 1), 400);
    type[80] = '\0';
    ck_assert_int_eq(put("/cache/t", type, "x", 1), 201);
    expect("/cache/t", type, "x", 1);
}
END_TEST

/* More keys than slots: none is wrong, the latest are there, and one that is used all the time is
 * not evicted by those that are not. */
START_TEST(evicts_what_is_not_used)
{
    long slots = stat_of("slots");
    char target[32], body[32];
    int wrong = 0, latest = 0;

    put("/cache/dear", NULL, "dear", 4);
    for (long i = 0; i < 20 * slots; i++) {
        snprintf(target, sizeof(target), "/cache/%ld", i);
        put(target, NULL, target, strlen(target));
        wrong += get_status("/cache/dear") != 200;
    }
    ck_assert_int_eq(wrong, 0);
    for (long i = 0; i < 20 * slots; i++) {
        struct reply_of_module reply;

        snprintf(target, sizeof(target), "/cache/%ld", i);
        snprintf(body, sizeof(body), "%s", target);
        reply = host_get(&host, target);
        latest += reply.status == 200 && i >= 20 * slots - slots / 2;
        wrong += reply.status == 200 && strcmp(reply.body.at, body) != 0;
        bytes_free(&reply.body);
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(latest, (int)slots / 4);
    ck_assert_int_gt(stat_of("evictions"), 18 * slots);
    ck_assert_int_eq(stat_of("torn"), 0);
}
END_TEST

static const char *const bad_sizes[] = {"", "m", "4", "4x", "4mb", "-4m", "1k", "0m", "1234567m"};

START_TEST(says_how_to_mend_a_bad_size)
{
    struct host refused = host_open("cache", bad_sizes[_i]);

    ck_assert_msg(refused.refusal != NULL, "\"%s\" was taken", bad_sizes[_i]);
    ck_assert_ptr_nonnull(strstr(refused.refusal, "--module ./cache.so=4m"));
}
END_TEST

/* --- killed and stopped ----------------------------------------------------------------------- */

/*
 * Writers put values that prove themselves: a number, and bytes that follow from key and number.
 * Each has a key that only it writes, too, and must find there its latest number or nothing. All of
 * it goes through the one set of the smallest cache, so that they are robbed of them, too; and they are
 * killed, or stopped in the middle and let go on.
 */
enum { WRITERS = 4, SHARED_KEYS = 6, CHAOS_MS = 1200, THREADS_MS = 200 };

struct shared {
    _Atomic bool is_over;
    _Atomic long hits, wrong, stale;
};

static struct shared *shared;

static size_t make_value(char value[LIMIT_VALUE], int key, uint32_t number)
{
    uint32_t random = number * 2654435761u + (uint32_t)key;
    size_t length = 16 + random % (LIMIT_VALUE - 16);

    memcpy(value, &number, sizeof(number));
    for (size_t i = sizeof(number); i < length; i++) {
        random = random * 1664525 + 1013904223;
        value[i] = (char)(random >> 24);
    }
    return length;
}

/* The number at this key; 0 for nothing. What does not prove itself is counted as wrong. */
static uint32_t get_number(int key)
{
    char target[32], type[32], value[LIMIT_VALUE];
    struct reply_of_module reply;
    uint32_t number = 0;

    snprintf(target, sizeof(target), "/cache/%d", key);
    reply = host_get(&host, target);
    if (reply.status == 200) {
        bool proven = reply.body.length >= sizeof(number);

        if (proven) {
            memcpy(&number, reply.body.at, sizeof(number));
            snprintf(type, sizeof(type), "n/%u", number);
            proven = make_value(value, key, number) == reply.body.length &&
                     memcmp(value, reply.body.at, reply.body.length) == 0 &&
                     strcmp(type, reply.type) == 0;
        }
        shared->wrong += !proven;
        shared->hits++;
    }
    bytes_free(&reply.body);
    return number;
}

static void put_number(int key, uint32_t number)
{
    char target[32], type[32], value[LIMIT_VALUE];
    size_t length = make_value(value, key, number);

    snprintf(target, sizeof(target), "/cache/%d", key);
    snprintf(type, sizeof(type), "n/%u", number);
    put(target, type, value, length);
}

static void write_and_verify(int own)
{
    uint32_t random = (uint32_t)(getpid() + own), number;

    while (!shared->is_over) {
        random = random * 1664525 + 1013904223;
        number = random | 1;
        put_number(SHARED_KEYS + own, number);
        for (int key = 0; key < SHARED_KEYS; key += 1 + (int)(random >> 8) % 3)
            put_number(key, number + (uint32_t)key);
        uint32_t found = get_number(SHARED_KEYS + own);
        shared->stale += found != 0 && found != number;
        get_number((int)(random >> 16) % SHARED_KEYS);
    }
}

static pid_t start_writer(int own)
{
    pid_t pid = fork();

    if (pid == 0) {
        write_and_verify(own);
        _exit(0);
    }
    return pid;
}

static void kill_and_wait(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* A stopped writer is robbed, and goes on where it was. Returns how many were killed. */
static int disturb(pid_t writers[WRITERS])
{
    int killed = 0;

    for (int64_t end = now_ms() + CHAOS_MS; now_ms() < end;) {
        int victim = rand() % WRITERS, stopped = (victim + 1) % WRITERS;

        kill(writers[stopped], SIGSTOP);
        usleep((useconds_t)(rand() % 4000));
        kill_and_wait(writers[victim]);
        writers[victim] = start_writer(victim);
        killed++;
        kill(writers[stopped], SIGCONT);
        usleep((useconds_t)(rand() % 2000));
    }
    return killed;
}

static void set_up_chaos(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
    host = host_open("cache", "64k");
    ck_assert_int_eq(stat_of("slots"), 8);
}

static void tear_down_chaos(void)
{
    munmap(shared, sizeof(*shared));
    host_close(&host);
}

START_TEST(gives_what_was_put_or_nothing)
{
    pid_t writers[WRITERS];
    int killed, there = 0;

    for (int i = 0; i < WRITERS; i++)
        writers[i] = start_writer(i);
    killed = disturb(writers);
    for (int i = 0; i < WRITERS; i++)
        kill_and_wait(writers[i]);
    ck_assert_int_eq(shared->wrong, 0);
    ck_assert_int_eq(shared->stale, 0);
    ck_assert_int_gt(killed, 20);
    ck_assert_int_gt(shared->hits, 100);
    /* What the dead were writing is taken from them, once the hand has passed it twice. */
    for (int key = 0; key < 160; key++)
        put_number(key % 8, (uint32_t)key + 1);
    for (int key = 0; key < 8; key++)
        there += get_number(key) == (uint32_t)key + 153;
    ck_assert_int_eq(there, 8);
}
END_TEST

static void *write_in_thread(void *own)
{
    write_and_verify(*(int *)own);
    return NULL;
}

/* Also for ThreadSanitizer, which knows threads only: what they share is atomic, all of it. */
START_TEST(holds_for_threads_too)
{
    pthread_t threads[WRITERS];
    int own[WRITERS];

    for (int i = 0; i < WRITERS; i++) {
        own[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_in_thread, &own[i]), 0);
    }
    pause_ms(THREADS_MS);
    shared->is_over = true;
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(shared->wrong, 0);
    ck_assert_int_eq(shared->stale, 0);
    ck_assert_int_gt(shared->hits, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache");
    TCase *quiet = tcase_create("quiet"), *chaos = tcase_create("chaos");

    tcase_add_checked_fixture(quiet, set_up, tear_down);
    tcase_add_test(quiet, keeps_what_it_was_given);
    tcase_add_test(quiet, keeps_values_of_any_length);
    tcase_add_test(quiet, reads_bodies_from_descriptors);
    tcase_add_test(quiet, refuses_bad_keys_and_types);
    tcase_add_test(quiet, evicts_what_is_not_used);
    tcase_add_loop_test(quiet, says_how_to_mend_a_bad_size, 0,
                        (int)(sizeof(bad_sizes) / sizeof(bad_sizes[0])));
    tcase_set_timeout(chaos, case_limit(20));
    tcase_add_checked_fixture(chaos, set_up_chaos, tear_down_chaos);
    tcase_add_test(chaos, gives_what_was_put_or_nothing);
    tcase_add_test(chaos, holds_for_threads_too);
    suite_add_tcase(suite, quiet);
    suite_add_tcase(suite, chaos);
    return unit_run(suite);
}
