/*
 * router.c — a handful of routes, tried from the longest path to the shortest.
 */
#include "router.h"

#include <string.h>

static void insert_route(struct router *r, const struct route *route, void *state)
{
    size_t n = strlen(route->path), at = r->route_count++;
    for (; at > 0 && r->routes[at - 1].path_len < n; at--)
        r->routes[at] = r->routes[at - 1];
    r->routes[at].route = route;
    r->routes[at].path_len = n;
    r->routes[at].state = state;
}

const char *router_add(struct router *r, const struct module *module, const char *argument)
{
    void *state = NULL;
    if (module->abi != TANDEM_ABI)
        return "the module was compiled for another version of handler.h: compile it again";
    if (r->module_count == ROUTER_MODULES)
        return "too many modules";
    const char *wrong = module->open ? module->open(argument, &state) : NULL;
    if (wrong)
        return wrong;
    r->modules[r->module_count++] = (struct routed_module){module, state};
    for (const struct route *route = module->routes; route->path; route++) {
        if (r->route_count == ROUTER_ROUTES)
            return "too many routes";
        insert_route(r, route, state);
    }
    return NULL;
}

void router_close(struct router *r)
{
    while (r->module_count > 0) {
        struct routed_module *m = &r->modules[--r->module_count];
        if (m->module->close)
            m->module->close(m->state);
    }
    r->route_count = 0;
}

/* `list` is separated by spaces. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    while (*list) {
        size_t end = strcspn(list, " ");
        if (end == n && memcmp(list, word, n) == 0)
            return true;
        list += end + (list[end] == ' ');
    }
    return false;
}

static bool matches(const struct route *route, size_t n, const char *path)
{
    if (strncmp(path, route->path, n) != 0)
        return false;
    return path[n] == '\0' || route->path[n - 1] == '/';
}

struct route_match router_find(const struct router *r, const char *method, const char *path)
{
    for (size_t i = 0; i < r->route_count; i++) {
        const struct route *route = r->routes[i].route;
        if (!matches(route, r->routes[i].path_len, path))
            continue;
        if (has_word(route->methods, method))
            return (struct route_match){.route = route, .state = r->routes[i].state};
        return (struct route_match){.allow = route->methods};
    }
    return (struct route_match){0};
}

bool router_knows_method(const char *method)
{
    return has_word("GET HEAD POST PUT DELETE OPTIONS PATCH", method);
}
