/*
 * server.c — what both servers do before their workers start and after the last has gone.
 */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "activation.h"
#include "attendants.h"
#include "caretaker.h"
#include "checkup.h"
#include "footprint.h"
#include "handlers/handlers.h"
#include "health.h"
#include "model.h"
#include "module.h"
#include "one.h"
#include "sandbox.h"
#include "serve.h"
#include "service_manager.h"
#include "signals.h"
#include "upgrade.h"
#include "wire.h"

enum { EXIT_DRAINED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, PAGE = 4096, STACK = 9 << 20 };

/* --- descriptors --- */

/* Descriptor numbers can exceed --max-connections (bodies, answers, files): the table has a slot
 * for each number the kernel may give us, so that none is ever out of range. The uppermost part is
 * the core's own, so that connections are accepted while a handler opens all that it may. */
static bool reserve_descriptors(struct server *s, size_t *table_size)
{
    const struct options *o = &s->options;
    struct rlimit limit;
    rlim_t reserved = LIMIT_RESERVED_FDS + 4 * (rlim_t)(o->workers + o->spares);
    rlim_t least = o->max_connections + reserved;
    rlim_t wanted = 3 * (rlim_t)o->max_connections + reserved;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < least) {
        log_line(
            LOG_ERROR,
            "%s: %u connections need %llu descriptors, but this process may have %llu: lower it, "
            "or raise the limit (ulimit -n, LimitNOFILE=, docker run --ulimit nofile)",
            options_place("max-connections", 0), o->max_connections, (unsigned long long)least,
            (unsigned long long)limit.rlim_max);
        return false;
    }
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    *table_size = limit.rlim_cur;
    s->most_unshaken = (int)(o->max_connections + (limit.rlim_cur - least) / 2);
    s->handler_fds = limit.rlim_cur - (limit.rlim_cur - least) / 2 - LIMIT_CORE_FDS;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static size_t stash_size(const struct options *o)
{
    size_t bytes = o->max_header + LIMIT_BODY_MEMORY;
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* --- listeners --- */

static void add_names(const struct listeners *ls, bool is_admin, char *names, size_t size)
{
    for (size_t i = 0; i < ls->count; i++) {
        if ((ls->all[i].kind == LISTENER_ADMIN) != is_admin)
            continue;
        strncat(names, " ", size - strlen(names) - 1);
        strncat(names, ls->all[i].name, size - strlen(names) - 1);
    }
}

/* "ready 127.0.0.1:8080", those of --tls-listen behind it, and " admin 127.0.0.1:9090" in the end
 * where there is one. */
void server_announce(struct server *s)
{
    char line[2048] = "ready";
    add_names(&s->listeners, false, line, sizeof line);
    if (s->options.admin)
        strcat(line, " admin");
    add_names(&s->listeners, true, line, sizeof line);
    if (!s->options.one && model_promises[0] && atomic_load(&s->board->deaths) == 0)
        log_line(LOG_INFO, "%s", model_promises);
    log_line(LOG_INFO, "%s", line);
    listeners_announce(line, s->options.ready_fd);
    s->options.ready_fd = -1;
    service_manager_announce();
}

/* --- modules --- */

/* Whoever keeps this process shall be able to say whose code it did not survive. */
static void announce_opening(struct server *s, const char *name, size_t length)
{
    snprintf(s->board->opening, sizeof s->board->opening, "%.*s", (int)length, name);
}

static bool end_opening(struct server *s, bool is_open, const char *why)
{
    announce_opening(s, "", 0);
    if (!is_open)
        log_line(LOG_ERROR, "%s", why);
    return is_open;
}

static bool add_module(struct server *s, const struct module *module, const char *argument)
{
    char why[900];
    bool is_foreign = module == &fault_module;
    announce_opening(s, module->name, strlen(module->name));
    return end_opening(s, module_open(&s->router, module, argument, is_foreign, why, sizeof why),
                       why);
}

static bool load_module(struct server *s, const char *text)
{
    char why[900];
    announce_opening(s, text, strcspn(text, "="));
    return end_opening(s, module_load(&s->router, text, why, sizeof why), why);
}

static bool add_all(struct server *s)
{
    const struct options *o = &s->options;
    files_configure(&(struct files_options){.listing = o->listing,
                                            .not_found = o->not_found,
                                            .cache_control = o->cache_control,
                                            .media = s->media});
    if (o->root && !add_module(s, &files_module, o->root))
        return false;
    if (o->enable_demo &&
        !(add_module(s, &echo_module, NULL) && add_module(s, &work_module, NULL) &&
          add_module(s, &counter_module, NULL)))
        return false;
    if (o->enable_faults && !add_module(s, &fault_module, NULL))
        return false;
    for (size_t i = 0; i < o->modules.count; i++)
        if (!load_module(s, o->modules.all[i]))
            return false;
    return true;
}

static bool add_admin(struct server *s)
{
    char why[512];
    if (!s->options.admin)
        return true;
    admin_configure(s);
    return end_opening(s, module_open(&s->admin, &admin_module, NULL, false, why, sizeof why), why);
}

/* For processes that load no modules. */
static void name_routes(struct server *s)
{
    for (size_t i = 0; i < s->router.route_count; i++)
        snprintf(s->board->routes[i].path, ROUTE_NAME, "%s", s->router.routes[i].route->path);
    atomic_store(&s->board->route_count, (unsigned)s->router.route_count);
}

bool server_open_modules(struct server *s)
{
    if (add_all(s) && add_admin(s)) {
        name_routes(s);
        return true;
    }
    server_close_modules(s);
    return false;
}

void server_close_modules(struct server *s)
{
    module_close_all(&s->admin);
    module_close_all(&s->router);
}

void server_tell_opening(const struct server *s, int status)
{
    struct death d = {.status = status};
    char cause[DEATH_CAUSE_SIZE];
    if (s->board->opening[0]) /* a refusal would have cleared it */
        log_line(LOG_ERROR,
                 "module %.*s: ended by %s while it was opened: mend it, or leave it out",
                 ROUTE_NAME - 1, s->board->opening, death_cause(&d, cause));
}

/* --- what workers may do --- */

bool server_enter_sandbox(struct server *s)
{
    const struct options *o = &s->options;
    char line[512];
    struct sandbox_needs needs = {.user = o->user,
                                  .root = o->root,
                                  .wanted = o->sandbox,
                                  .sockets = router_needs(&s->router) & TANDEM_NEEDS_SOCKETS,
                                  .proc = o->enable_faults || o->admin || o->worker_memory > 0};
    if (!crash_catch()) {
        log_line(LOG_ERROR, "the signals of a crash cannot be caught: %s", strerror(errno));
        return false;
    }
    enum sandbox_result result = sandbox_enter(&needs, line, sizeof line);
    log_line(result == SANDBOX_FAILED ? LOG_ERROR
             : result == SANDBOX_WEAK ? LOG_WARN
                                      : LOG_INFO,
             "%s", line);
    return result != SANDBOX_FAILED;
}

/* The address space of threads' stacks counts, too, though hardly any of it is used. */
uint64_t server_bound_memory(const struct server *s, unsigned workers)
{
    uint64_t budget = workers * (uint64_t)s->options.worker_memory, now = footprint_data();
    uint64_t stacks = model_isolates ? 0 : model_slots(&s->options) * STACK;
    if (budget == 0)
        return 0;
    struct rlimit limit = {.rlim_cur = now + budget + stacks, .rlim_max = now + budget + stacks};
    if (setrlimit(RLIMIT_DATA, &limit) != 0)
        log_line(LOG_WARN, "--worker-memory: %s", strerror(errno));
    return now + budget / 2;
}

/* --- epoll --- */

bool server_watch(struct server *s, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Listeners are level-triggered: whoever dies after accept leaves the others to be accepted. */
static bool watch_all(struct server *s)
{
    bool ok = server_watch(s, s->retire, serve_retire_tag());
    for (size_t i = 0; ok && i < s->listeners.count; i++) {
        const struct listener *l = &s->listeners.all[i];
        if (l->kind != LISTENER_TLS || wire_tls_in_place)
            ok = server_watch(s, l->fd, serve_listener_tag(l->fd, l->kind));
    }
    if (ok && s->handover >= 0)
        ok = server_watch(s, s->handover, serve_listener_tag(s->handover, LISTENER_TLS));
    return ok;
}

bool server_open_epoll(struct server *s)
{
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->retire = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->epoll >= 0 && s->retire >= 0 && watch_all(s))
        return true;
    log_line(LOG_ERROR, "epoll: %s", strerror(errno));
    server_close_epoll(s);
    return false;
}

void server_close_epoll(struct server *s)
{
    if (s->epoll >= 0)
        close(s->epoll);
    if (s->retire >= 0)
        close(s->retire);
    s->epoll = s->retire = -1;
}

void server_retire_workers(struct server *s)
{
    if (eventfd_write(s->retire, 1) != 0)
        log_line(LOG_ERROR, "eventfd: %s", strerror(errno));
}

/* --- the whole --- */

static bool open_memory(struct server *s, size_t table_size)
{
    const struct options *o = &s->options;
    s->slots = model_slots(o);
    s->board = scoreboard_open(s->slots);
    s->media = media_file_open(o->media_types);
    s->tallies = tallies_open(s->slots);
    if (s->board && s->media && s->tallies &&
        conn_table_open(&s->table, table_size, stash_size(o)) &&
        (o->tls_listen.count == 0 || conn_table_open_facts(&s->table)))
        return true;
    log_line(LOG_ERROR, "no memory for %zu connections: %s; lower --max-connections", table_size,
             strerror(errno));
    return false;
}

static int run(struct server *s)
{
    s->signals = signals_open();
    if (s->signals < 0) {
        log_line(LOG_ERROR, "signals: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (!attendants_open(s))
        return EXIT_FAILED;
    if (s->options.enable_demo)
        log_line(LOG_WARN,
                 "--enable-demo: anybody who can connect can use up time and memory here");
    if (s->options.enable_faults)
        log_line(LOG_WARN, "--enable-faults: anybody who can connect can crash requests here");
    int code = s->options.one ? one_run(s) : model_run(s);
    attendants_close(s);
    return code;
}

/* The sockets that connections come from: handed over, or opened now. */
static bool open_listeners(struct server *s)
{
    bool ok = activation_read() && activation_open(&s->listeners, &s->options);
    activation_drop();
    return ok;
}

/* All that is wrong, not the first of it. */
static int check(const struct server *s, enum options_result options, bool has_descriptors)
{
    bool is_fine = checkup(&s->options) && has_descriptors;
    if (options == OPTIONS_BAD)
        return EXIT_USAGE;
    if (!is_fine)
        return EXIT_FAILED;
    log_line(LOG_INFO, "the options are fine");
    return EXIT_DRAINED;
}

static void close_all(struct server *s)
{
    listeners_close(&s->listeners);
    if (s->table.slots)
        conn_table_close(&s->table);
    if (s->media)
        media_file_close(s->media);
    if (s->tallies)
        tallies_close(s->tallies, s->slots);
    if (s->board)
        scoreboard_close(s->board, s->slots);
    if (s->signals >= 0)
        close(s->signals);
}

/* Well: on stdout, exit 0. Not well: on stderr, exit 1. */
static int tell_health(const struct options *o)
{
    char line[1024];
    bool is_well = health_ask(o, line, sizeof line);
    fprintf(is_well ? stdout : stderr, "%s: %s\n", model_program, line);
    return is_well ? EXIT_DRAINED : EXIT_FAILED;
}

int server_main(int argc, char **argv)
{
    struct server s = {.epoll = -1, .handover = -1, .retire = -1, .signals = -1};
    size_t table_size;
    if (caretaker_is_wanted())
        return caretaker_main(argv);
    if (!upgrade_begin(argv))
        return EXIT_FAILED;
    signals_begin();
    enum options_result options =
        options_read(&s.options, model_program, model_isolates, argc, argv);
    if (options == OPTIONS_DONE)
        return EXIT_DRAINED;
    if (options == OPTIONS_BAD && (!s.options.check || s.options.health))
        return EXIT_USAGE;
    if (s.options.health)
        return tell_health(&s.options);
    log_open(model_program, s.options.log_level);
    bool has_descriptors = reserve_descriptors(&s, &table_size);
    if (s.options.check)
        return check(&s, options, has_descriptors);
    if (!has_descriptors)
        return EXIT_FAILED;
    int code = EXIT_FAILED;
    access_log_open(&s.access_log, s.options.access_log, s.options.log_format);
    if (open_listeners(&s) && open_memory(&s, table_size))
        code = run(&s);
    close_all(&s);
    return upgrade_end(code);
}
