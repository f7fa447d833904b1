/*
 * cpu_time: the time of a family of processes, and none of it is lost when one of them dies.
 */
#include "common/cpu_time.h"

#include "unit.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BURNT = 100 /* ms */, TICKS = 40 /* ms: a clock tick and its rounding, a few times */ };

static void burn(void)
{
    struct timespec now;

    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (now.tv_sec == 0 && now.tv_nsec < BURNT * 1000000L);
}

/* A process that has burnt its time, and waits; when `has_child`, so has a child of its own. */
static pid_t start(bool has_child)
{
    int ready[2];
    char byte = 0;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (has_child && fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            burn();
            _exit(write(ready[1], &byte, 1) != 1 || pause());
        }
        burn();
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(1);
    }
    for (int i = has_child ? 2 : 1; i > 0; i--)
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static uint64_t told(pid_t pid)
{
    uint64_t ms = UINT64_MAX;

    ck_assert(cpu_time(pid, &ms));
    return ms;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(tells_of_the_living_and_the_dead)
{
    uint64_t before = told(getpid());
    pid_t pid = start(false);
    uint64_t living = told(getpid());

    ck_assert_uint_ge(living + TICKS, before + BURNT);
    ck_assert_uint_le(living, before + BURNT + 10 * TICKS);
    end(pid);
    ck_assert_uint_ge(told(getpid()), living);
}
END_TEST

START_TEST(tells_of_grandchildren)
{
    uint64_t before = told(getpid());
    pid_t pid = start(true);

    ck_assert_uint_ge(told(getpid()) + 2 * TICKS, before + 2 * BURNT);
    ck_assert_uint_le(told(pid), told(getpid()));
    end(pid);
}
END_TEST

START_TEST(nobody_has_no_time)
{
    uint64_t ms = 42;
    pid_t pid = start(false);

    end(pid);
    ck_assert(!cpu_time(pid, &ms));
    ck_assert_uint_eq(ms, 42);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_time");
    TCase *tcase = tcase_create("cpu_time");

    tcase_add_test(tcase, tells_of_the_living_and_the_dead);
    tcase_add_test(tcase, tells_of_grandchildren);
    tcase_add_test(tcase, nobody_has_no_time);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
