/*
 * counter.c — counts visits, exactly, whichever server it runs in and whoever dies meanwhile.
 *
 *      --module ./counter.so         the first visitor is number 1
 *      --module ./counter.so=1000    the first visitor is number 1001
 *
 * The number lies in memory of module_share(), which all workers see, be they threads or processes,
 * and adding to it is one atomic step: a worker is killed before it or after it, never in it.
 */
#include <tandem/handler.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_DIGITS = 18 }; /* of the start: there is room to count on */

static int visit(const struct request *req, struct response *res, void *state)
{
    (void)req;
    _Atomic uint64_t *visits = state;
    unsigned long long number = atomic_fetch_add(visits, 1) + 1;
    char text[32];
    int length = snprintf(text, sizeof text, "%llu\n", number);
    return response_write(res, text, (size_t)length) ? 0 : 500;
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= LIMIT_DIGITS && text[digits] == '\0';
}

static const char *open_counter(const char *argument, void **state)
{
    uint64_t start = 0;
    if (argument && !is_number(argument))
        return "the count starts at a number of at most 18 digits: --module ./counter.so=1000";
    for (const char *at = argument; at && *at; at++)
        start = start * 10 + (uint64_t)(*at - '0');
    _Atomic uint64_t *visits = module_share(sizeof *visits);
    if (!visits)
        return "no shared memory for the counter: free some, or leave the module out";
    atomic_store(visits, start);
    *state = visits;
    return NULL; /* all is well */
}

static const struct route routes[] = {{"GET", "/visits", visit}, {NULL, NULL, NULL}};

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "counter", .routes = routes, .open = open_counter};
