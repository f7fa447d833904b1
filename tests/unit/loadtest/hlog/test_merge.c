/*
 * `loadtest merge` as a command: files in, a table, JSON and a log out, and an exit status.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "program.h"
#include "unit.h"

static char folder[] = "/tmp/tandem-test-merge-XXXXXX";
static char logs[256]; /* the folder of those that come with the tests */

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_ptr_nonnull(getenv("TANDEM_SOURCE"));
    snprintf(logs, sizeof logs, "%s/tests/unit/loadtest/hlog", getenv("TANDEM_SOURCE"));
    ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
    static const char *const files[] = {"a.hlog", "b.hlog", "sum.hlog", "sum.json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(files[i]);
    rmdir(folder);
}

static void copy(const char *name, const char *to)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", logs, name);
    struct bytes text = bytes_of_file(path);
    FILE *out = fopen(to, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_gt(text.length, 0);
    ck_assert_uint_eq(fwrite(text.at, 1, text.length, out), text.length);
    fclose(out);
    bytes_free(&text);
}

/* Runs it; output and errors are then in `o`, to be freed. */
static struct outcome merge(const char *const *arguments)
{
    const char *argv[16] = {getenv("TANDEM_LOADTEST"), "merge"};
    ck_assert_ptr_nonnull(argv[0]);
    for (size_t i = 0; arguments[i]; i++)
        argv[2 + i] = arguments[i];
    return program_run((struct program){.argv = argv}, 20000);
}

#define MERGE(...) merge((const char *const[]){__VA_ARGS__, NULL})

static void check_holds(const struct bytes *text, const char *expected)
{
    ck_assert_msg(text->length > 0 && strstr(text->at, expected) != NULL, "no \"%s\" in:\n%s",
                  expected, text->length > 0 ? text->at : "(nothing)");
}

START_TEST(one_log)
{
    copy("same.hlog", "a.hlog");
    struct outcome o = MERGE("a.hlog");
    ck_assert_int_eq(o.code, 0);
    check_holds(&o.output, "1 log, 4 lines\n");
    check_holds(&o.output,
                "tag                    count      mean       p50       p90       p99     "
                "p99.9       max\n");
    check_holds(&o.output,
                "  ok                       600    3.79 s   4.16 ms    10.1 s    55.7 s    "
                "63.1 s    63.1 s\n");
    check_holds(&o.output,
                "  raw                      100    4.79 s   31.2 ms    18.2 s    41.5 s    "
                "57.3 s    57.3 s\n");
    ck_assert_uint_eq(o.errors.length, 0);
    outcome_free(&o);
}
END_TEST

START_TEST(the_sum_of_sums)
{
    copy("same.hlog", "a.hlog");
    copy("same.hlog", "b.hlog");
    struct outcome o = MERGE("a.hlog", "b.hlog", "--hlog", "sum.hlog", "--json", "sum.json");
    ck_assert_int_eq(o.code, 0);
    check_holds(&o.output, "2 logs, 8 lines\n");
    check_holds(&o.output,
                "  ok                     1,200    3.79 s   4.16 ms    10.1 s    55.7 s    ");
    outcome_free(&o);
    struct bytes json = bytes_of_file("sum.json");
    check_holds(&json, "\"command\": \"");
    check_holds(&json, "\"tag\": \"ok\"");
    check_holds(&json, "\"start_ms\": 1700000000000");
    check_holds(&json, "\"length_ms\": 3000");
    check_holds(&json, "\"count\": 1200");
    check_holds(&json, "\"p99\": 55738367");
    bytes_free(&json);
    o = MERGE("sum.hlog", "--json", "-");
    ck_assert_int_eq(o.code, 0);
    ck_assert_int_eq(o.output.at[0], '{'); /* instead of the text */
    check_holds(&o.output, "\"lines\": 1");
    check_holds(&o.output, "\"start_ms\": 1700000000000");
    check_holds(&o.output, "\"length_ms\": 3000");
    check_holds(&o.output, "\"count\": 1200");
    check_holds(&o.output, "\"p999\": 63111167");
    outcome_free(&o);
}
END_TEST

/* Status 2, nothing on stdout, and one line that says `reason`. */
static void check_refused(struct outcome o, int code, const char *reason)
{
    ck_assert_int_eq(o.code, code);
    ck_assert_uint_eq(o.output.length, 0);
    check_holds(&o.errors, reason);
    ck_assert_ptr_eq(strchr(o.errors.at, '\n'), o.errors.at + o.errors.length - 1);
    outcome_free(&o);
}

START_TEST(nothing_counts_twice)
{
    struct stat before, after;
    copy("same.hlog", "a.hlog");
    ck_assert_int_eq(link("a.hlog", "b.hlog"), 0);
    check_refused(MERGE("a.hlog", "b.hlog"), 2, "b.hlog is given twice");
    ck_assert_int_eq(stat("a.hlog", &before), 0);
    check_refused(MERGE("a.hlog", "--hlog", "b.hlog"), 2, "a.hlog is to be read and written");
    ck_assert_int_eq(stat("a.hlog", &after), 0);
    ck_assert_int_eq(before.st_size, after.st_size);
}
END_TEST

START_TEST(a_bad_log_writes_nothing)
{
    copy("same.hlog", "a.hlog");
    copy("nanoseconds.hlog", "b.hlog");
    check_refused(MERGE("a.hlog", "b.hlog", "--hlog", "sum.hlog", "--json", "sum.json"), 2,
                  "loadtest: b.hlog, line 5: the histogram has values of more than an hour");
    ck_assert_int_ne(access("sum.hlog", F_OK), 0);
    ck_assert_int_ne(access("sum.json", F_OK), 0);
    ck_assert_int_eq(truncate("a.hlog", 600), 0);
    check_refused(MERGE("a.hlog"), 2, "loadtest: a.hlog, line 5: the histogram is ");
    check_refused(MERGE("no.hlog"), 2, "cannot read no.hlog: No such file or directory");
    check_refused(MERGE("."), 2, "cannot read .: Is a directory");
}
END_TEST

START_TEST(no_values)
{
    check_refused(MERGE("/dev/null"), 3, "there are no values in /dev/null");
}
END_TEST

START_TEST(usage)
{
    check_refused(MERGE("--quiet"), 2, "unknown option --quiet: see loadtest merge --help");
    check_refused(merge((const char *const[]){NULL}), 2, "which logs?");
    check_refused(MERGE("--hlog", "-", "a.hlog"), 2, "option --hlog: a file name is missing");
    copy("same.hlog", "a.hlog");
    check_refused(MERGE("a.hlog", "--hlog", "/nowhere/x"), 2, "cannot write /nowhere/x: ");
    check_refused(MERGE("a.hlog", "--json", "/nowhere/x"), 2, "cannot write /nowhere/x: ");
    struct outcome o = MERGE("--help");
    ck_assert_int_eq(o.code, 0);
    check_holds(&o.output, "usage: loadtest merge");
    outcome_free(&o);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge");
    TCase *tests = tcase_create("merge");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, one_log);
    tcase_add_test(tests, the_sum_of_sums);
    tcase_add_test(tests, nothing_counts_twice);
    tcase_add_test(tests, a_bad_log_writes_nothing);
    tcase_add_test(tests, no_values);
    tcase_add_test(tests, usage);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
