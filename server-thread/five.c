/*
 * five.c — five workers, one counter. Threads increment the same one, so together they reach 5.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

enum { FIVE = 5 };
static int numbers[FIVE] = {1, 2, 3, 4, 5};
static pthread_t workers[FIVE];
static atomic_int counter;

static void *work(void *number) /* NULL: all went well */
{
    int n = *(int *)number, now = atomic_fetch_add(&counter, 1) + 1;
    return dprintf(1, "worker %d of %d: the counter is %d\n", n, FIVE, now) < 0 ? number : NULL;
}
static bool start(int i)
{
    return pthread_create(&workers[i], NULL, work, &numbers[i]) == 0;
}
static bool ended_well(int i)
{
    void *result;
    return pthread_join(workers[i], &result) == 0 && result == NULL;
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
