/* Follows every rule: "ARGUMENT N\n", where N is how often all workers together have said so. */
#include "common/handler.h"

#include <stdatomic.h>
#include <stdio.h>

struct good {
    const char *argument;
    _Atomic int said;
};

static int say(const struct request *req, struct response *res, void *state)
{
    struct good *good = state;
    char text[128];
    (void)req;
    int n = snprintf(text, sizeof text, "%.100s %d\n", good->argument ? good->argument : "-",
                     atomic_fetch_add(&good->said, 1) + 1);
    return response_write(res, text, (size_t)n) ? 0 : 500;
}

static const char *open_good(const char *argument, void **state)
{
    struct good *good = module_share(sizeof *good);
    if (!good)
        return "no memory: free some";
    good->argument = argument;
    *state = good;
    return NULL;
}

static const struct route routes[] = {{"GET HEAD", "/good", say}, {NULL, NULL, NULL}};
const struct module tandem_module = {.abi = TANDEM_ABI,
                                     .needs = TANDEM_NEEDS_SOCKETS,
                                     .name = "good",
                                     .routes = routes,
                                     .open = open_good};
