/*
 * module.c — nothing of a module is believed before it has been looked at, and its ABI is looked at
 * first: with another, all else may lie elsewhere.
 */
#include "module.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "residue.h"
#include "share.h"
#include "uri.h"

enum { NAME_MOST = 63, PATH_MOST = 255, METHOD_ROOM = 16 };

struct candidate {
    struct router *router;
    const char *file; /* as typed; NULL: built in */
    const char *name; /* NULL: not known yet */
    const struct module *module;
    bool is_foreign;
    struct residue before; /* how it found the process */
    char *why;
    size_t size;
};

/* Always false. One line, whatever stands in names and in what the module says. */
__attribute__((format(printf, 2, 3))) static bool refuse(const struct candidate *c,
                                                         const char *format, ...)
{
    if (c->file && c->name)
        snprintf(c->why, c->size, "module %s (%.200s): ", c->name, c->file);
    else
        snprintf(c->why, c->size, "module %.200s: ", c->name ? c->name : c->file);
    size_t at = strlen(c->why);
    va_list ap;
    va_start(ap, format);
    vsnprintf(c->why + at, c->size - at, format, ap);
    va_end(ap);
    for (char *ch = c->why; *ch; ch++)
        if (iscntrl((unsigned char)*ch))
            *ch = '?';
    return false;
}

/* --- what it says of itself --- */

static bool check_abi(const struct candidate *c)
{
    return c->module->abi == TANDEM_ABI ||
           refuse(c,
                  "was compiled for ABI %u, this server has %u: compile it again with its "
                  "handler.h",
                  (unsigned)c->module->abi, (unsigned)TANDEM_ABI);
}

static bool check_name(struct candidate *c)
{
    const char *name = c->module->name;
    size_t n = name ? strnlen(name, NAME_MOST + 1) : 0;
    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)name[i]))
            n = 0;
    if (n == 0 || n > NAME_MOST)
        return refuse(c, "has no name to call it by: set .name to 1 to %d printable characters",
                      NAME_MOST);
    c->name = name;
    return true;
}

/* As a request's path is when it has been decoded. */
static bool is_clean(const char *path)
{
    char out[PATH_MOST + 2];
    size_t n = strnlen(path, PATH_MOST + 1);
    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)path[i]))
            return false;
    return n <= PATH_MOST && !strstr(path, "//") && uri_path(path, n, out) &&
           strcmp(path, out) == 0;
}

static bool check_methods(const struct candidate *c, const struct route *route)
{
    for (const char *at = route->methods; at;) {
        char method[METHOD_ROOM];
        size_t n = strcspn(at, " ");
        snprintf(method, sizeof method, "%.*s", (int)(n < METHOD_ROOM ? n : METHOD_ROOM), at);
        if (!router_knows_method(method))
            return refuse(c,
                          "its route %s has a method \"%s\", which this server does not know: "
                          "write them as in \"GET HEAD\"",
                          route->path, method);
        at = at[n] ? at + n + 1 : NULL;
    }
    return route->methods ||
           refuse(c, "its route %s has no methods: write them as in \"GET HEAD\"", route->path);
}

/* The module that has this path already, be it this one; NULL: none. */
static const char *holder(const struct candidate *c, const struct route *route)
{
    const struct router *r = c->router;
    for (const struct route *own = c->module->routes; own < route; own++)
        if (strcmp(own->path, route->path) == 0)
            return c->name;
    for (size_t i = 0; i < r->route_count; i++)
        if (strcmp(r->routes[i].route->path, route->path) == 0)
            return r->routes[i].owner->module->name;
    return NULL;
}

static bool check_route(const struct candidate *c, const struct route *route)
{
    if (!is_clean(route->path))
        return refuse(c,
                      "its route \"%.200s\" is no path: begin it with '/', and leave out blanks, "
                      "%%, empty, . and .. parts, and more than %d bytes",
                      route->path, PATH_MOST);
    if (!check_methods(c, route))
        return false;
    if (!route->handle)
        return refuse(c, "its route %s has no function: set .handle", route->path);
    const char *taken = holder(c, route);
    if (taken)
        return refuse(c,
                      "its route %s is taken by module %s: leave one of the two out, or name all "
                      "methods in one route",
                      route->path, taken);
    return true;
}

static bool check_routes(const struct candidate *c)
{
    const struct router *r = c->router;
    size_t room = LIMIT_ROUTES - r->route_count;
    if (r->module_count == LIMIT_MODULES)
        return refuse(c, "is one too many, after %d with those built in: leave some out",
                      LIMIT_MODULES);
    if (!c->module->routes || !c->module->routes->path)
        return refuse(c, "has no routes: set .routes to a list of them");
    for (const struct route *route = c->module->routes; route->path; route++) {
        if (room-- == 0)
            return refuse(c,
                          "has a route too many, after %d of all modules: end the list with "
                          "{NULL, NULL, NULL}, or leave modules out",
                          LIMIT_ROUTES);
        if (!check_route(c, route))
            return false;
    }
    return true;
}

/* --- what it does --- */

static bool check_residue(const struct candidate *c, const char *which)
{
    char what[256];
    return residue_kept(&c->before, what, sizeof what) ||
           refuse(c, "its %s %s: do without, or undo it, see the rules in handler.h", which, what);
}

static bool call_open(const struct candidate *c, const char *argument, void **state)
{
    const struct module *m = c->module;
    share_begin();
    const char *wrong = m->open ? m->open(argument, state) : NULL;
    share_end();
    if (wrong)
        return refuse(c, "%s", wrong);
    if (check_residue(c, "open"))
        return true;
    if (m->close)
        m->close(*state);
    return false;
}

/* Its ABI is ours. */
static bool adopt(struct candidate *c, const char *argument)
{
    void *state = NULL;
    if (!check_name(c) || !check_routes(c) || !call_open(c, argument, &state))
        return false;
    router_add(c->router, c->module, state, c->is_foreign);
    return true;
}

bool module_open(struct router *r, const struct module *module, const char *argument,
                 bool is_foreign, char *why, size_t size)
{
    struct candidate c = {.router = r,
                          .name = module->name,
                          .module = module,
                          .is_foreign = is_foreign,
                          .why = why,
                          .size = size};
    residue_take(&c.before);
    return check_abi(&c) && adopt(&c, argument);
}

/* --- where it comes from --- */

/* What dlerror() has to say, without the path that it mostly begins with. */
static const char *reason(const char *path)
{
    const char *text = dlerror();
    size_t n = strlen(path);
    if (!text)
        return "it cannot be loaded";
    return strncmp(text, path, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2 : text;
}

/* Its constructors run in here. */
static bool load(struct candidate *c, const char *path)
{
    if (access(path, R_OK) != 0)
        return refuse(c, "%s: check the name of the file and its permissions", strerror(errno));
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return refuse(c,
                      "%.500s: build it with cc -shared -fPIC, linked with all it calls but what "
                      "handler.h declares",
                      reason(path));
    c->module = dlsym(object, "tandem_module");
    return c->module ||
           refuse(c, "has no tandem_module: define a const struct module of that name, and let it "
                     "be seen (-fvisibility)");
}

bool module_load(struct router *r, const char *text, char *why, size_t size)
{
    char file[PATH_MAX], path[PATH_MAX + 2];
    size_t n = strcspn(text, "=");
    struct candidate c = {.router = r, .file = text, .is_foreign = true, .why = why, .size = size};
    if (n >= sizeof file)
        return refuse(&c, "%s: check the name of the file", strerror(ENAMETOOLONG));
    snprintf(file, sizeof file, "%.*s", (int)n, text);
    snprintf(path, sizeof path, "%s%s", strchr(file, '/') ? "" : "./", file);
    c.file = file;
    residue_take(&c.before);
    return load(&c, path) && check_abi(&c) && check_residue(&c, "constructor") &&
           adopt(&c, text[n] ? text + n + 1 : NULL);
}

void module_close_all(struct router *r)
{
    while (r->module_count > 0) {
        struct routed_module *m = &r->modules[--r->module_count];
        if (m->module->close)
            m->module->close(m->state);
    }
    r->route_count = 0;
    share_close();
}
