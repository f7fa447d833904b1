/*
 * router.h — the modules of this server, and which route a request takes.
 */
#ifndef TANDEM_ROUTER_H
#define TANDEM_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handler.h"
#include "limits.h"
#include "request.h"

struct routed_module {
    const struct module *module;
    void *state;
    bool is_foreign; /* from a file, or made to fail: its handlers may leak what they open */
};

struct router {
    struct routed_module modules[LIMIT_MODULES];
    size_t module_count;
    struct {
        const struct route *route;
        size_t path_len;
        const struct routed_module *owner; /* in `modules`: a router is not copied */
    } routes[LIMIT_ROUTES];                /* longest path first */
    size_t route_count;
};

/* Takes in an open module and its routes, which module.c has found to be sound and few enough.
 * Before any worker starts. */
void router_add(struct router *r, const struct module *module, void *state, bool is_foreign);
/* What the handlers of all modules need (TANDEM_NEEDS_…), as a set. */
uint32_t router_needs(const struct router *r);

struct route_match {
    const struct route *route; /* NULL: 404, or 405 when `allow` is set */
    const struct routed_module *module;
    void *state;       /* of the module */
    int index;         /* of the route, in `routes` and on the board, once all modules are in;
                          -1: none */
    const char *allow; /* the methods this path does take */
};

struct route_match router_find(const struct router *r, const char *method, const char *path);
/* True for the methods this server knows at all (else 501, RFC 9110 §9.1). */
bool router_knows_method(const char *method);

#endif
