/*
 * fault.c — handlers that fail for real, one function each, for tests and demonstrations.
 *
 * Nothing is simulated: the store through NULL is executed, the stack does run out. So the compiler
 * must not see through them (volatile), nor a sanitizer stop them politely: its signal handlers
 * would turn a death by signal into an exit.
 */
#include "../handler.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZER_CATCHES = 1 };
#else
enum { SANITIZER_CATCHES = 0 };
#endif

#define UNCHECKED __attribute__((noinline, no_sanitize("address"), no_sanitize("undefined")))

static void let_signals_kill(void)
{
    if (SANITIZER_CATCHES) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
    }
}

UNCHECKED static int segv(const struct request *req, struct response *res)
{
    (void)req, (void)res;
    let_signals_kill();
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
    return 500;
}

static int abort_now(const struct request *req, struct response *res)
{
    (void)req, (void)res;
    let_signals_kill();
    abort();
}

static int exit_now(const struct request *req, struct response *res)
{
    (void)req, (void)res;
    exit(3);
}

static const volatile bool forever = true;

static int hang(const struct request *req, struct response *res)
{
    (void)req, (void)res;
    while (forever)
        pause();
    return 500;
}

static int spin(const struct request *req, struct response *res)
{
    (void)req, (void)res;
    while (forever)
        ;
    return 500;
}

/* The condition never holds, but only we know; the sum keeps the call from becoming a loop. */
UNCHECKED static int deeper(const volatile char *above)
{
    volatile char room[1024];
    room[0] = 0;
    if (*above)
        return 0;
    return deeper(room) + room[0];
}

static int stack_overflow(const struct request *req, struct response *res)
{
    (void)req, (void)res;
    let_signals_kill();
    char start = 0;
    return deeper(&start);
}

/* The allocator notices the second free, and aborts; ThreadSanitizer's does not care. */
static int heap_corruption(const struct request *req, struct response *res)
{
    (void)req, (void)res;
    let_signals_kill();
    void *volatile block = malloc(64);
    free(block);
    free(block);
    abort();
}

/* Chained up, so that a leak checker at exit speaks of other leaks only. */
static void *_Atomic leaked;

static int leak(const struct request *req, struct response *res)
{
    long bytes = request_query_number(req, "bytes", 1 << 20, 1 << 30);
    if (bytes < (long)sizeof(void *))
        return 400;
    void *block = malloc((size_t)bytes);
    if (!block)
        return 503;
    memset(block, 0xa5, (size_t)bytes); /* memory counts when it is touched */
    void *before = atomic_exchange(&leaked, block);
    memcpy(block, &before, sizeof before);
    char text[64];
    int length = snprintf(text, sizeof text, "leaked %ld bytes\n", bytes);
    return response_write(res, text, (size_t)length) ? 0 : 500;
}

static int slow(const struct request *req, struct response *res)
{
    long ms = request_query_number(req, "ms", 1000, 600000);
    if (ms < 0)
        return 400;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
    return response_write(res, "slow\n", 5) ? 0 : 500;
}

#define PREFIX "/fault/"

static const struct kind {
    const char *name;
    int (*fail)(const struct request *req, struct response *res);
} kinds[] = {
    {"segv", segv},
    {"abort", abort_now},
    {"exit", exit_now},
    {"hang", hang},
    {"spin", spin},
    {"stack-overflow", stack_overflow},
    {"heap-corruption", heap_corruption},
    {"leak", leak},
    {"slow", slow},
};

static int fault(const struct request *req, struct response *res, void *state)
{
    (void)state;
    const char *name = request_path(req) + strlen(PREFIX);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].fail(req, res);
    return 404;
}

static const char *open_fault(const char *argument, void **state)
{
    (void)argument;
    *state = NULL;
    return NULL;
}

static const struct route routes[] = {{"GET", PREFIX, fault}, {NULL, NULL, NULL}};

extern const struct module fault_module;
const struct module fault_module = {
    .abi = TANDEM_ABI, .name = "fault", .routes = routes, .open = open_fault, .close = NULL};
