/*
 * A run as a log: the seconds add up to the run, in whatever way they came.
 */
#include "loadtest/hlog/runlog.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/hlog/hlog.h"
#include "loadtest/units.h"
#include "unit.h"

static char path[] = "/tmp/tandem-test-runlog-XXXXXX";
static struct tally tally;
static struct timeline timeline;
static struct runlog *run;

/* What was read back. */
static struct hist ok, others;
static int ok_lines, other_lines;
static double last_start_s, last_length_s;
static char last_tag[HLOG_TAG_SIZE];

static void setup(void)
{
    struct complaint why;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    run = runlog_open(path, &why);
    ck_assert_msg(run != NULL, "%s", why.text);
    ck_assert(timeline_init(&timeline, 0));
    runlog_begin(run, now_ns());
}

static void teardown(void)
{
    timeline_free(&timeline);
    unlink(path);
}

/* A thread publishes a second in which it was answered `n` times, after `ms`. */
static void publish(int64_t index, int n, int64_t ms)
{
    struct second *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    second_start(s, &timeline, index * NS_PER_S);
    for (int i = 0; i < n; i++) {
        second_served(s, index * NS_PER_S + i, ms * NS_PER_MS);
        hist_add_ns(&tally.corrected, ms * NS_PER_MS);
    }
    timeline_publish(&timeline, s);
    free(s);
}

static struct hist *take(void *context, const struct hlog_interval *interval, struct complaint *why)
{
    bool is_ok = strcmp(interval->tag, "ok") == 0;
    (void)context;
    (void)why;
    last_start_s = interval->start_s;
    last_length_s = interval->length_s;
    memcpy(last_tag, interval->tag, sizeof last_tag);
    *(is_ok ? &ok_lines : &other_lines) += 1;
    return is_ok ? &ok : &others;
}

static void finish(double seconds)
{
    struct complaint why;
    timeline_finish(&timeline);
    runlog_finish(run, &timeline, &tally, seconds);
    ck_assert_msg(runlog_close(run, &why), "%s", why.text);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_msg(hlog_read(in, path, take, NULL, &why), "%s", why.text);
    fclose(in);
    ck_assert_mem_eq(ok.count, tally.corrected.count, sizeof ok.count);
}

START_TEST(a_line_for_each_second)
{
    for (int64_t second = 0; second < 30; second++) {
        publish(second, 10, 1 + second);
        publish(second, 5, 100);
        runlog_follow(run, &timeline, second);
    }
    finish(29.25);
    ck_assert_int_eq(ok_lines, 30);
    ck_assert_int_eq(other_lines, 0);
    ck_assert_double_eq_tol(last_length_s, 0.25, 1e-6);
}
END_TEST

START_TEST(a_second_without_answers_has_none)
{
    publish(0, 10, 1);
    publish(1, 0, 1);
    publish(2, 10, 1);
    finish(3);
    ck_assert_int_eq(ok_lines, 2);
    ck_assert_double_eq_tol(last_length_s, 1, 1e-6);
}
END_TEST

START_TEST(a_thread_that_is_late)
{
    publish(0, 10, 1);
    publish(1, 10, 1);
    runlog_follow(run, &timeline, 2);
    publish(0, 3, 900);
    publish(2, 10, 1);
    finish(3);
    ck_assert_int_eq(ok_lines, 4); /* the first second in two parts */
}
END_TEST

/* Nobody took the seconds while there was time. */
START_TEST(what_was_missed_is_in_the_sum)
{
    for (int64_t second = 0; second < 30; second++)
        publish(second, 10, 1 + second);
    finish(30);
    ck_assert_double_eq_tol(last_length_s, 30, 1e-6);
    ck_assert_uint_eq(ok.total, 300);
}
END_TEST

START_TEST(every_class_has_its_line)
{
    struct hist *const classes[] = {&tally.raw, &tally.failed, &tally.injected, &tally.censored,
                                    &tally.slip};
    for (size_t i = 0; i < 5; i++)
        for (size_t n = 0; n <= i; n++)
            hist_add_us(classes[i], 1000);
    finish(2.5);
    ck_assert_int_eq(ok_lines, 0);
    ck_assert_int_eq(other_lines, 5);
    ck_assert_uint_eq(others.total, 1 + 2 + 3 + 4 + 5);
    ck_assert_str_eq(last_tag, "slip");
    ck_assert_double_eq_tol(last_length_s, 2.5, 1e-6);
}
END_TEST

START_TEST(what_cannot_be_written)
{
    struct complaint why;
    ck_assert_ptr_null(runlog_open("/nowhere/x.hlog", &why));
    ck_assert_str_eq(why.text, "cannot write /nowhere/x.hlog: No such file or directory");
    struct runlog *full = runlog_open("/dev/full", &why);
    ck_assert_ptr_nonnull(full);
    publish(0, 10, 1);
    runlog_begin(full, now_ns());
    runlog_finish(full, &timeline, &tally, 1);
    ck_assert(!runlog_close(full, &why));
    ck_assert_str_eq(why.text, "cannot write /dev/full: No space left on device");
    ck_assert(runlog_close(run, &why));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runlog");
    TCase *tests = tcase_create("runlog");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_line_for_each_second);
    tcase_add_test(tests, a_second_without_answers_has_none);
    tcase_add_test(tests, a_thread_that_is_late);
    tcase_add_test(tests, what_was_missed_is_in_the_sum);
    tcase_add_test(tests, every_class_has_its_line);
    tcase_add_test(tests, what_cannot_be_written);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
