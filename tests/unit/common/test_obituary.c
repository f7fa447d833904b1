/*
 * obituary: the newest first, no more than there is room for, never half of one and half of another;
 * whoever writes at the same time, dies, or scribbles.
 */
#include "common/obituary.h"

#include "unit.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct obituaries *all;
static struct obituary found[OBITUARIES];

static void set_up(void)
{
    all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(all != MAP_FAILED);
}

static void tear_down(void)
{
    munmap(all, sizeof(*all));
}

/* Both ends of it say which it is. */
static void enter(int number)
{
    struct obituary o = {.worker = number};

    snprintf(o.id, sizeof(o.id), "%d", number);
    snprintf(o.phase, sizeof(o.phase), "%d", number);
    obituary_enter(all, &o);
}

static void check_whole(const struct obituary *o)
{
    ck_assert_int_eq(atoi(o->id), o->worker);
    ck_assert_str_eq(o->id, o->phase);
}

START_TEST(keeps_the_last)
{
    ck_assert_uint_eq(obituaries_read(all, found), 0);
    for (int i = 1; i <= 100; i++) {
        enter(i);
        ck_assert_uint_eq(obituaries_read(all, found), (size_t)(i < OBITUARIES ? i : OBITUARIES));
        ck_assert_int_eq(found[0].worker, i);
        check_whole(&found[0]);
    }
    ck_assert_int_eq(found[OBITUARIES - 1].worker, 100 - OBITUARIES + 1);
    ck_assert_int_le(llabs((long long)(found[0].time / 1000 - time(NULL))), 5);
}
END_TEST

static _Atomic int is_over;

static void *write_on(void *unused)
{
    (void)unused;
    for (int i = 1; !is_over; i++)
        enter(i);
    return NULL;
}

/* A writer that laps itself leaves a gap, and no mixture. */
START_TEST(reads_none_by_halves)
{
    pthread_t writer;
    size_t seen = 0;

    is_over = 0;
    ck_assert_int_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
    while (atomic_load(&all->count) == 0)
        usleep(1000);
    for (int i = 0; i < 1000; i++) {
        size_t count = obituaries_read(all, found);
        for (size_t j = 0; j < count; j++)
            check_whole(&found[j]);
        seen += count;
    }
    is_over = 1;
    pthread_join(writer, NULL);
    ck_assert_uint_gt(seen, 0);
}
END_TEST

START_TEST(outlives_its_writers)
{
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0)
            write_on(NULL);
        usleep(1000);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        enter(4711);
        size_t count = obituaries_read(all, found);
        ck_assert_uint_ge(count, 1);
        ck_assert_int_eq(found[0].worker, 4711);
        for (size_t i = 0; i < count; i++)
            check_whole(&found[i]);
    }
}
END_TEST

/* Whatever stands there: no more than there is room for, and each text has an end. */
START_TEST(ends_each_text)
{
    memset(all, 0xff, sizeof(*all));
    ck_assert_uint_eq(obituaries_read(all, found), 1); /* all ones are a number, too */
    ck_assert_uint_lt(strlen(found[0].id), sizeof(found[0].id));
    ck_assert_uint_lt(strlen(found[0].method), sizeof(found[0].method));
    ck_assert_uint_lt(strlen(found[0].target), sizeof(found[0].target));
    ck_assert_uint_lt(strlen(found[0].cause), sizeof(found[0].cause));
    ck_assert_uint_lt(strlen(found[0].phase), sizeof(found[0].phase));
    enter(5);
    ck_assert_uint_le(obituaries_read(all, found), OBITUARIES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("obituary");
    TCase *tcase = tcase_create("obituary");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, keeps_the_last);
    tcase_add_test(tcase, reads_none_by_halves);
    tcase_add_test(tcase, outlives_its_writers);
    tcase_add_test(tcase, ends_each_text);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
