/*
 * A tree's CPU time includes what its dead took with them.
 */
#include "loadtest/server/procstat.h"

#include "unit.h"

#include <check.h>
#include <signal.h>
#include <sys/prctl.h>
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

/* A child that calls itself `name` (NULL: as it is), and has so many children of its own. */
static pid_t grow(const char *name, int children)
{
    int told[2];
    char letter;
    ck_assert_int_eq(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
        if (name)
            prctl(PR_SET_NAME, name);
        for (int i = 0; i < children; i++)
            grow(NULL, 0);
        ck_assert_int_eq(write(told[1], "x", 1), 1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(told[0], &letter, 1), 1);
    close(told[0]);
    close(told[1]);
    return child;
}

static void fell(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

START_TEST(leaves_serve)
{
    pid_t found[16], root = grow("supervisor", 2);
    ck_assert_uint_eq(tree_list(root, found, 16), 3);
    ck_assert_uint_eq(tree_workers(root, found, 16), 2);
    ck_assert(found[0] != root && found[1] != root);
    ck_assert_uint_eq(tree_list(root, found, 2), 2); /* no more than there is room for */
    fell(root);
    ck_assert_uint_eq(tree_list(root, found, 16), 0);
}
END_TEST

START_TEST(those_who_say_so_are_workers_and_nobody_else)
{
    pid_t found[16], helper = grow("helper", 0), worker = grow("worker 1", 0);
    ck_assert_uint_eq(tree_list(getpid(), found, 16), 3);
    ck_assert_uint_eq(tree_workers(getpid(), found, 16), 1);
    ck_assert_int_eq(found[0], worker);
    kill(worker, SIGKILL); /* dead, and not waited for: no longer one */
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)worker, &info, WEXITED | WNOWAIT), 0);
    ck_assert_uint_eq(tree_workers(getpid(), found, 16), 1);
    ck_assert_int_eq(found[0], helper);
    fell(worker);
    fell(helper);
    ck_assert_uint_eq(tree_workers(getpid(), found, 16), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("procstat");
    TCase *tests = tcase_create("procstat");
    tcase_add_test(tests, the_dead_are_counted);
    tcase_add_test(tests, less_than_a_tick_is_seen);
    tcase_add_test(tests, the_living_below_are_counted);
    tcase_add_test(tests, leaves_serve);
    tcase_add_test(tests, those_who_say_so_are_workers_and_nobody_else);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
