/*
 * router.c — a handful of routes, tried from the longest path to the shortest.
 */
#include "router.h"

#include <string.h>

static void insert_route(struct router *r, const struct route *route,
                         const struct routed_module *owner)
{
    size_t n = strlen(route->path), at = r->route_count++;
    for (; at > 0 && r->routes[at - 1].path_len < n; at--)
        r->routes[at] = r->routes[at - 1];
    r->routes[at].route = route;
    r->routes[at].path_len = n;
    r->routes[at].owner = owner;
}

void router_add(struct router *r, const struct module *module, void *state, bool is_foreign)
{
    struct routed_module *owner = &r->modules[r->module_count++];
    *owner = (struct routed_module){.module = module, .state = state, .is_foreign = is_foreign};
    for (const struct route *route = module->routes; route->path; route++)
        insert_route(r, route, owner);
}

uint32_t router_needs(const struct router *r)
{
    uint32_t needs = 0;
    for (size_t i = 0; i < r->module_count; i++)
        needs |= r->modules[i].module->needs;
    return needs;
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
        const struct routed_module *owner = r->routes[i].owner;
        if (has_word(route->methods, method))
            return (struct route_match){
                .route = route, .module = owner, .state = owner->state, .index = (int)i};
        return (struct route_match){.index = -1, .allow = route->methods};
    }
    return (struct route_match){.index = -1};
}

bool router_knows_method(const char *method)
{
    return has_word("GET HEAD POST PUT DELETE OPTIONS PATCH", method);
}
