/*
 * tally and histogram: columns and buckets, and that what one writer does another does not see.
 */
#include "common/tally.h"

#include "unit.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 3 };

static struct tally *all;

static void set_up(void)
{
    ck_assert_ptr_nonnull(all = tallies_open(WORKERS));
}

static void tear_down(void)
{
    tallies_close(all, WORKERS);
}

/* Every status has a column whose name is its own, or that of its class. */
START_TEST(names_each_status)
{
    for (int status = -1; status <= 700; status++) {
        const char *name = tally_code_name(tally_code(status));
        bool has_own = strlen(name) == 3 && name[1] != 'x';

        if (status < 200 || status > 599)
            ck_assert_str_eq(name, "other");
        else if (has_own)
            ck_assert_int_eq(atoi(name), status);
        else
            ck_assert_msg(name[0] == '0' + status / 100, "%d is %s", status, name);
    }
    ck_assert_str_eq(tally_code_name(tally_code(503)), "503");
    ck_assert_str_eq(tally_code_name(tally_code(599)), "5xx");
}
END_TEST

/* Each bucket begins right behind the end of the one before it. */
START_TEST(finds_the_bucket)
{
    for (unsigned bits = HISTOGRAM_LEAST; bits <= HISTOGRAM_MOST; bits++) {
        ck_assert_uint_eq(histogram_bucket((int64_t)1 << bits), bits - HISTOGRAM_LEAST);
        ck_assert_uint_eq(histogram_bucket(((int64_t)1 << bits) + 1), bits - HISTOGRAM_LEAST + 1);
    }
    ck_assert_uint_eq(histogram_bucket(INT64_MIN), 0);
    ck_assert_uint_eq(histogram_bucket(0), 0);
    ck_assert_uint_eq(histogram_bucket(INT64_MAX), HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(counts_whole_requests)
{
    tally_answer(&all[0], TALLY_ROUTES, 200, 10);
    tally_answer(&all[1], TALLY_ROUTES + 1, 200, 10);
    tally_answer(&all[3], TALLY_NO_ROUTE, 404, 10);
    tally_answer(&all[3], TALLY_ADMIN, 200, 10);
    tally_answer(&all[2], 4711, 200, 10); /* no such row: none */
    tally_refusal(&all[2], 400);
    ck_assert_uint_eq(tallies_answered(all, WORKERS, 2), 5);
    ck_assert_uint_eq(tallies_answered(all, WORKERS, 1), 4); /* there is no second route */
    ck_assert_uint_eq(tallies_answered(all, WORKERS, UINT32_MAX), 5);
}
END_TEST

/* Writers that are killed at any moment leave numbers that are right, each but for one. */
START_TEST(outlives_its_writers)
{
    uint64_t before = 0, after;

    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0)
            for (;;)
                tally_answer(&all[1], TALLY_ROUTES, 200, 1000);
        usleep(2000);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        after = tallies_answered(all, WORKERS, 1);
        ck_assert_uint_ge(after, before);
        before = after;
    }
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_le(before - atomic_load(&all[1].durations.counts[5]), 20);
    ck_assert_uint_le(
        atomic_load(&all[1].durations.counts[5]) - atomic_load(&all[1].durations.sum) / 1000, 20);
}
END_TEST

START_TEST(several_may_share_one)
{
    enum { EACH = 3000000 };
    struct histogram *births = &all[0].births;
    pid_t child = fork();

    for (int i = 0; i < EACH; i++)
        histogram_add_shared(births, 1000);
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_uint_eq(atomic_load(&births->counts[5]), 2 * EACH);
    ck_assert_uint_eq(atomic_load(&births->sum), 2 * (uint64_t)EACH * 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tally");
    TCase *tcase = tcase_create("tally");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, names_each_status);
    tcase_add_test(tcase, finds_the_bucket);
    tcase_add_test(tcase, counts_whole_requests);
    tcase_add_test(tcase, outlives_its_writers);
    tcase_add_test(tcase, several_may_share_one);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
