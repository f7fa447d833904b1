/*
 * A tree's CPU time includes what its dead took with them.
 */
#include "loadtest/procstat.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loadtest/units.h"

static void burn(double seconds)
{
    int64_t until = thread_cpu_ns() + (int64_t)(seconds * 1e9);
    while (thread_cpu_ns() < until)
        ;
}

START_TEST(the_dead_are_counted)
{
    struct tree_usage before, after;
    ck_assert(tree_cpu(getpid(), &before));
    pid_t child = fork();
    if (child == 0) {
        burn(0.2);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    ck_assert(tree_cpu_and_memory(getpid(), &after));
    ck_assert(after.cpu_s - before.cpu_s >= 0.15);
    ck_assert_uint_ge(after.processes, 1);
    ck_assert(after.pss_kib > 0 || after.unreadable > 0);
}
END_TEST

START_TEST(less_than_a_tick_is_seen)
{
    struct tree_usage before, after;
    ck_assert(tree_cpu(getpid(), &before));
    burn(0.003);
    ck_assert(tree_cpu(getpid(), &after));
    ck_assert(after.cpu_s - before.cpu_s >= 0.003);
}
END_TEST

START_TEST(the_living_below_are_counted)
{
    struct tree_usage alone, both;
    ck_assert(tree_cpu(getpid(), &alone));
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    ck_assert(tree_cpu(getpid(), &both));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_uint_eq(both.processes, alone.processes + 1);
    ck_assert(!tree_cpu(child, &both)); /* gone */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("procstat");
    TCase *tests = tcase_create("procstat");
    tcase_add_test(tests, the_dead_are_counted);
    tcase_add_test(tests, less_than_a_tick_is_seen);
    tcase_add_test(tests, the_living_below_are_counted);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
