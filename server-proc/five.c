/*
 * five.c — five workers, one counter. A process increments its own copy, so each of them says 1.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIVE = 5 };
static int numbers[FIVE] = {1, 2, 3, 4, 5};
static pid_t workers[FIVE];
static atomic_int counter;

static void *work(void *number) /* NULL: all went well */
{
    int n = *(int *)number, now = atomic_fetch_add(&counter, 1) + 1;
    return dprintf(1, "worker %d of %d: the counter is %d\n", n, FIVE, now) < 0 ? number : NULL;
}
static bool start(int i)
{
    workers[i] = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (workers[i] == 0)
        _exit(work(&numbers[i]) != NULL);
    return workers[i] > 0;
}
static bool ended_well(int i)
{
    int result;
    return waitpid(workers[i], &result, 0) == workers[i] && result == 0;
}
int main(void)
{
    int started = 0, well = 0;
    while (started < FIVE && start(started))
        started++;
    for (int i = 0; i < started; i++)
        well += ended_well(i);
    return dprintf(1, "%d of %d ended well\n", well, FIVE) < 0 || well < FIVE;
}
