/*
 * Servers that start, that do not, and that are gone after being stopped.
 */
#include "loadtest/subject.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char log_name[] = "/tmp/test_subject_XXXXXX";

static bool start(struct subject *s, const char *script, struct complaint *why)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    strcpy(log_name + sizeof log_name - 7, "XXXXXX");
    close(mkstemp(log_name));
    struct subject_plan plan = {.argv = (char *const *)argv, .log = log_name, .cpu = -1};
    bool good = subject_start(s, &plan, why);
    unlink(log_name);
    return good;
}

START_TEST(ready_is_read_and_term_ends_it)
{
    struct subject s;
    struct complaint why = {""};
    ck_assert(start(&s, "echo ready 127.0.0.1:1234 unix:/x >&3; exec sleep 60", &why));
    ck_assert_str_eq(s.address, "127.0.0.1:1234");
    pid_t pid = s.pid;
    subject_stop(&s);
    ck_assert_int_ne(kill(pid, 0), 0);
    subject_stop(&s); /* once more does no harm */
}
END_TEST

START_TEST(what_a_server_says_before_it_dies_is_told)
{
    struct subject s;
    struct complaint why = {""};
    ck_assert(!start(&s, "echo the port is taken >&2; exit 1", &why));
    ck_assert_ptr_nonnull(strstr(why.text, "the port is taken"));
    ck_assert_int_le(s.pid, 0);
}
END_TEST

START_TEST(a_missing_program_is_named)
{
    struct subject s;
    struct complaint why = {""};
    const char *argv[] = {"/nonexistent/server", NULL};
    struct subject_plan plan = {.argv = (char *const *)argv, .log = "/dev/null", .cpu = -1};
    ck_assert(!subject_start(&s, &plan, &why));
    ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent/server"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("subject");
    TCase *tests = tcase_create("subject");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, ready_is_read_and_term_ends_it);
    tcase_add_test(tests, what_a_server_says_before_it_dies_is_told);
    tcase_add_test(tests, a_missing_program_is_named);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
