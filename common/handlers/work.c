/*
 * work.c — a request with a price: so much CPU time, so much waiting, so many bytes. Load tests
 * are made of it.
 */
#include "../handler.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { LIMIT_MS = 60000, LIMIT_BYTES = 64 << 20, ABSENT = -2 };

static long long thread_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* CPU time of this thread, so that waiting for a CPU does not count as work done. */
static void burn(long ms)
{
    volatile unsigned sum = 0;
    for (long long end = thread_ns() + ms * 1000000LL; thread_ns() < end;)
        for (unsigned i = 0; i < 2000; i++)
            sum = sum * 31 + i;
}

static void rest(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

static bool fill(struct response *res, long bytes)
{
    char block[16 * 1024];
    memset(block, 'x', sizeof block);
    while (bytes > 0) {
        size_t n = bytes < (long)sizeof block ? (size_t)bytes : sizeof block;
        if (!response_write(res, block, n))
            return false;
        bytes -= (long)n;
    }
    return true;
}

static int work(const struct request *req, struct response *res, void *state)
{
    (void)state;
    long cpu = request_query_number(req, "cpu", 0, LIMIT_MS);
    long sleep = request_query_number(req, "sleep", 0, LIMIT_MS);
    long bytes = request_query_number(req, "bytes", ABSENT, LIMIT_BYTES);
    if (cpu < 0 || sleep < 0 || bytes == -1)
        return 400;
    if (cpu > 0)
        burn(cpu);
    if (sleep > 0)
        rest(sleep);
    bool written = bytes == ABSENT ? response_write(res, "done\n", 5) : fill(res, bytes);
    return written ? 0 : 500;
}

static const char *open_work(const char *argument, void **state)
{
    (void)argument;
    *state = NULL;
    return NULL;
}

static const struct route routes[] = {{"GET HEAD", "/work", work}, {NULL, NULL, NULL}};

extern const struct module work_module;
const struct module work_module = {
    .abi = TANDEM_ABI, .name = "work", .routes = routes, .open = open_work, .close = NULL};
