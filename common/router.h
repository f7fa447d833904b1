/*
 * router.h — the modules of this server, and which route a request takes.
 */
#ifndef TANDEM_ROUTER_H
#define TANDEM_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "handler.h"
#include "request.h"

enum { ROUTER_MODULES = 16, ROUTER_ROUTES = 64 };

struct routed_module {
    const struct module *module;
    void *state;
};

struct router {
    struct routed_module modules[ROUTER_MODULES];
    size_t module_count;
    struct {
        const struct route *route;
        size_t path_len;
        void *state;
    } routes[ROUTER_ROUTES]; /* longest path first */
    size_t route_count;
};

/* Opens a module and takes in its routes. NULL, or one line that says what is wrong (static).
 * Before any worker starts. */
const char *router_add(struct router *r, const struct module *module, const char *argument);
/* Closes the modules in reverse order. After the last worker. */
void router_close(struct router *r);

struct route_match {
    const struct route *route; /* NULL: 404, or 405 when `allow` is set */
    void *state;
    const char *allow; /* the methods this path does take */
};

struct route_match router_find(const struct router *r, const char *method, const char *path);
/* True for the methods this server knows at all (else 501, RFC 9110 §9.1). */
bool router_knows_method(const char *method);

#endif
