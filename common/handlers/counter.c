/*
 * counter.c — the same counter in three kinds of memory; what it shows is the lesson of the pair.
 *
 *              server-thread                       server-proc
 *   plain      one for all; loses counts (a race)  one per worker; exact there, and gone with it
 *   atomic     one for all; exact                  one per worker
 *   shared     one for all; exact                  one for all; exact, and survives a worker
 */
#include "../handler.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static volatile long plain;
static _Atomic long atomic;
static _Atomic long *shared;

/* Read, add, write, with nothing to hold others off in between: a data race between threads, on
 * purpose. Whoever runs this under a race detector asks for one request at a time. */
static long count_plain(void)
{
    long seen = plain;
    plain = seen + 1;
    return seen + 1;
}

static long count_atomic(void)
{
    return atomic_fetch_add(&atomic, 1) + 1;
}

static long count_shared(void)
{
    return atomic_fetch_add(shared, 1) + 1;
}

static const struct kind {
    const char *name;
    long (*count)(void);
} kinds[] = {{"plain", count_plain}, {"atomic", count_atomic}, {"shared", count_shared}};

static int counter(const struct request *req, struct response *res, void *state)
{
    (void)state;
    char name[256], text[32];
    if (!request_query(req, "kind", name, sizeof name))
        strcpy(name, "plain");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        int length = snprintf(text, sizeof text, "%ld\n", kinds[i].count());
        return response_write(res, text, (size_t)length) ? 0 : 500;
    }
    return 400;
}

static const char *open_counter(const char *argument, void **state)
{
    (void)argument;
    *state = NULL;
    shared = module_share(sizeof *shared);
    return shared ? NULL
                  : "no memory for the shared counter: free some, or leave --enable-demo out";
}

static const struct route routes[] = {{"GET", "/counter", counter}, {NULL, NULL, NULL}};

extern const struct module counter_module;
const struct module counter_module = {
    .abi = TANDEM_ABI, .name = "counter", .routes = routes, .open = open_counter};
