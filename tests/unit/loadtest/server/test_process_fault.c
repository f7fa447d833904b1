/*
 * Signals at the moments of a time table, to a server that is a shell with two children.
 */
#include "loadtest/server/process_fault.h"

#include "unit.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/server/procstat.h"
#include "loadtest/units.h"

static char log_name[] = "/tmp/test_process_fault_XXXXXX";
static struct subject subject;
static const char *argv[] = {"/bin/sh", "-c", NULL, NULL};

static void start(const char *script)
{
    struct complaint why = {""};
    argv[2] = script;
    strcpy(log_name + sizeof log_name - 7, "XXXXXX");
    close(mkstemp(log_name));
    struct subject_plan plan = {.argv = (char *const *)argv, .log = log_name, .cpu = -1};
    ck_assert_msg(subject_start(&subject, &plan, &why), "%s", why.text);
}

static void stop(void)
{
    subject_stop(&subject);
    unlink(log_name);
}

static struct injection table[2];
static struct process_faults faults;

/* At 1 s of a run of 10 s that began at moment 0, as far as the faults are told. */
static void plan(const char *first, const char *second)
{
    struct complaint why = {""};
    size_t count = 0;
    ck_assert_msg(injection_parse(first, &table[count++], &why), "%s", why.text);
    if (second)
        ck_assert_msg(injection_parse(second, &table[count++], &why), "%s", why.text);
    process_faults_init(&faults, &subject, table, count, 1, 0, 10 * NS_PER_S);
}

static size_t running(void)
{
    pid_t found[16];
    return tree_list(subject.pid, found, 16);
}

/* Whether so many run, or soon do. */
static bool come_to(size_t wanted)
{
    for (int i = 0; i < 1000 && running() != wanted; i++)
        usleep(10000);
    return running() == wanted;
}

static char state_of(pid_t pid)
{
    char name[32], state = '?';
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(name, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(fscanf(in, "%*d %*s %c", &state), 1);
    fclose(in);
    return state;
}

static bool all_are(char state)
{
    pid_t found[16];
    size_t count = tree_list(subject.pid, found, 16);
    bool all = count > 0;
    for (size_t i = 0; i < count; i++)
        all &= state_of(found[i]) == state;
    return all;
}

#define TWO_CHILDREN "sleep 60 & sleep 60 & echo ready 127.0.0.1:1 >&3; wait; wait; sleep 60"

START_TEST(one_worker_at_a_time_is_killed)
{
    start(TWO_CHILDREN);
    ck_assert(come_to(3));
    plan("kill-worker@1s/2s", NULL);
    ck_assert_int_eq(process_faults_next_ns(&faults), NS_PER_S);
    ck_assert_ptr_null(process_faults_act(&faults, NS_PER_S - 1));
    ck_assert_str_eq(process_faults_act(&faults, NS_PER_S), "kill-worker");
    ck_assert(come_to(2));
    ck_assert(subject_runs(&subject));
    ck_assert_int_eq(process_faults_next_ns(&faults), 3 * NS_PER_S);
    stop();
}
END_TEST

START_TEST(a_server_without_workers_is_a_complaint)
{
    start("echo ready 127.0.0.1:1 >&3; exec sleep 60");
    plan("kill-worker@1s", NULL);
    ck_assert_ptr_null(process_faults_act(&faults, NS_PER_S));
    ck_assert_ptr_nonnull(strstr(faults.trouble.text, "no worker"));
    stop();
}
END_TEST

START_TEST(all_freeze_and_go_on)
{
    start(TWO_CHILDREN);
    ck_assert(come_to(3));
    plan("freeze:2s@1s", NULL);
    ck_assert_str_eq(process_faults_act(&faults, NS_PER_S), "freeze");
    for (int i = 0; i < 500 && !all_are('T'); i++)
        usleep(10000);
    ck_assert(all_are('T'));
    ck_assert_int_eq(process_faults_next_ns(&faults), 3 * NS_PER_S);
    ck_assert_ptr_null(process_faults_act(&faults, 3 * NS_PER_S));
    for (int i = 0; i < 500 && !all_are('S'); i++)
        usleep(10000);
    ck_assert(all_are('S'));
    ck_assert_int_eq(process_faults_next_ns(&faults), INT64_MAX);
    process_faults_end(&faults);
    stop();
}
END_TEST

START_TEST(what_is_frozen_at_the_end_goes_on)
{
    start(TWO_CHILDREN);
    plan("freeze:2s@9s", NULL);
    ck_assert_str_eq(process_faults_act(&faults, 9 * NS_PER_S), "freeze");
    process_faults_end(&faults);
    for (int i = 0; i < 500 && !all_are('S'); i++)
        usleep(10000);
    ck_assert(all_are('S'));
    stop();
}
END_TEST

START_TEST(a_restart_is_another_process_even_out_of_the_ice)
{
    start(TWO_CHILDREN);
    pid_t first = subject.pid;
    plan("freeze:5s@1s", "restart@2s");
    ck_assert_str_eq(process_faults_act(&faults, NS_PER_S), "freeze");
    ck_assert_str_eq(process_faults_act(&faults, 2 * NS_PER_S), "restart");
    ck_assert_int_ne(subject.pid, first);
    ck_assert(subject_runs(&subject));
    ck_assert_int_eq(process_faults_next_ns(&faults), INT64_MAX);
    stop();
}
END_TEST

START_TEST(one_that_does_not_come_back_is_told)
{
    char flag[] = "/tmp/test_process_fault_flag_XXXXXX", script[256];
    close(mkstemp(flag));
    snprintf(script, sizeof script,
             "rm %s || { echo no more of it >&2; exit 1; }; echo ready 127.0.0.1:1 >&3; "
             "exec sleep 60",
             flag);
    start(script);
    plan("restart@1s", "reload@2s");
    ck_assert_ptr_null(process_faults_act(&faults, NS_PER_S));
    ck_assert_ptr_nonnull(strstr(faults.trouble.text, "no more of it"));
    ck_assert_ptr_null(process_faults_act(&faults, 2 * NS_PER_S));
    ck_assert_ptr_nonnull(strstr(faults.trouble.text, "restart")); /* the first one stays */
    stop();
}
END_TEST

START_TEST(reload_is_a_hangup)
{
    start("trap 'echo again >&2; exit 0' HUP; echo ready 127.0.0.1:1 >&3; sleep 60 & wait");
    plan("reload@1s", NULL);
    ck_assert_str_eq(process_faults_act(&faults, NS_PER_S), "reload");
    for (int i = 0; i < 500 && subject_runs(&subject); i++)
        usleep(10000);
    char said[64];
    ck_assert_str_eq(subject_last_words(&subject, said, sizeof said), "again");
    stop();
}
END_TEST

START_TEST(moments_are_kept_missed_ones_made_up_for_once_and_none_is_after_the_end)
{
    start(TWO_CHILDREN);
    ck_assert(come_to(3));
    plan("reload@10s", "kill-worker@1s/1s"); /* the first one would be at the end */
    ck_assert_int_eq(process_faults_next_ns(&faults), NS_PER_S);
    ck_assert_str_eq(process_faults_act(&faults, 8500 * NS_PER_MS), "kill-worker");
    ck_assert_ptr_null(process_faults_act(&faults, 8500 * NS_PER_MS));
    ck_assert_int_eq(process_faults_next_ns(&faults), 9 * NS_PER_S);
    ck_assert_str_eq(process_faults_act(&faults, 9 * NS_PER_S), "kill-worker");
    ck_assert_int_eq(process_faults_next_ns(&faults), INT64_MAX);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process_fault");
    TCase *tests = tcase_create("process_fault");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, one_worker_at_a_time_is_killed);
    tcase_add_test(tests, a_server_without_workers_is_a_complaint);
    tcase_add_test(tests, all_freeze_and_go_on);
    tcase_add_test(tests, what_is_frozen_at_the_end_goes_on);
    tcase_add_test(tests, a_restart_is_another_process_even_out_of_the_ice);
    tcase_add_test(tests, one_that_does_not_come_back_is_told);
    tcase_add_test(tests, reload_is_a_hangup);
    tcase_add_test(tests, moments_are_kept_missed_ones_made_up_for_once_and_none_is_after_the_end);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
