/*
 * server.c — what both servers do before their workers start and after the last has gone.
 */
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "handlers/handlers.h"
#include "model.h"
#include "one.h"
#include "serve.h"
#include "signals.h"

enum { EXIT_DRAINED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, PAGE = 4096 };

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
            "--max-connections %u needs %llu descriptors, but this process may have %llu: lower "
            "it, or raise the limit (ulimit -n, LimitNOFILE=, docker run --ulimit nofile)",
            o->max_connections, (unsigned long long)least, (unsigned long long)limit.rlim_max);
        return false;
    }
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    *table_size = limit.rlim_cur;
    s->handler_fds = limit.rlim_cur - (limit.rlim_cur - least) / 2 - LIMIT_CORE_FDS;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static size_t stash_size(const struct options *o)
{
    size_t bytes = o->max_header + LIMIT_BODY_MEMORY;
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* --- listeners --- */

static bool open_listeners(struct server *s)
{
    const struct options *o = &s->options;
    char why[512];
    for (size_t i = 0; i < o->listen_count; i++) {
        if (!listener_open(&s->listeners.all[i], o->listen[i], why, sizeof why)) {
            log_line(LOG_ERROR, "%s", why);
            listeners_close(&s->listeners);
            return false;
        }
        s->listeners.count++;
    }
    return true;
}

void server_announce(struct server *s)
{
    char names[1024] = "";
    for (size_t i = 0; i < s->listeners.count; i++) {
        strncat(names, " ", sizeof names - strlen(names) - 1);
        strncat(names, s->listeners.all[i].name, sizeof names - strlen(names) - 1);
    }
    log_line(LOG_INFO, "ready%s", names);
    listeners_announce(&s->listeners, s->options.ready_fd);
    s->options.ready_fd = -1;
}

/* --- the service: modules and epoll --- */

static bool add_module(struct server *s, const struct module *module, const char *argument)
{
    const char *wrong = router_add(&s->router, module, argument);
    if (wrong)
        log_line(LOG_ERROR, "module %s: %s", module->name, wrong);
    return !wrong;
}

static bool open_modules(struct server *s)
{
    const struct options *o = &s->options;
    files_configure(&(struct files_options){
        .listing = o->listing, .not_found = o->not_found, .cache_control = o->cache_control});
    if (o->root && !add_module(s, &files_module, o->root))
        return false;
    if (o->enable_demo &&
        !(add_module(s, &echo_module, NULL) && add_module(s, &work_module, NULL) &&
          add_module(s, &counter_module, NULL)))
        return false;
    return !o->enable_faults || add_module(s, &fault_module, NULL);
}

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
        int fd = s->listeners.all[i].fd;
        ok = server_watch(s, fd, serve_listener_tag(fd));
    }
    return ok;
}

static bool open_epoll(struct server *s)
{
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->retire = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = s->epoll >= 0 && s->retire >= 0 && watch_all(s);
    if (!ok)
        log_line(LOG_ERROR, "epoll: %s", strerror(errno));
    return ok;
}

bool server_open_service(struct server *s)
{
    if (open_modules(s) && open_epoll(s))
        return true;
    server_close_service(s);
    return false;
}

void server_close_service(struct server *s)
{
    router_close(&s->router);
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
    if (s->board && conn_table_open(&s->table, table_size, stash_size(o)))
        return true;
    log_line(LOG_ERROR, "no memory for %zu connections: %s; lower --max-connections", table_size,
             strerror(errno));
    return false;
}

static bool open_log(struct server *s)
{
    const struct options *o = &s->options;
    if (access_log_open(&s->access_log, o->access_log, o->log_format))
        return true;
    log_line(LOG_ERROR, "--access-log %s: %s", o->access_log, strerror(errno));
    return false;
}

static int run(struct server *s)
{
    s->signals = signals_open();
    if (s->signals < 0) {
        log_line(LOG_ERROR, "signals: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (s->options.enable_demo)
        log_line(LOG_WARN,
                 "--enable-demo: anybody who can connect can use up time and memory here");
    if (s->options.enable_faults)
        log_line(LOG_WARN, "--enable-faults: anybody who can connect can crash requests here");
    if (s->options.one)
        return one_run(s);
    if (model_promises[0])
        log_line(LOG_INFO, "%s", model_promises);
    return model_run(s);
}

int server_main(int argc, char **argv)
{
    struct server s = {.epoll = -1, .retire = -1, .signals = -1, .access_log.fd = -1};
    size_t table_size;
    switch (options_read(&s.options, model_program, model_isolates, argc, argv)) {
    case OPTIONS_DONE:
        return EXIT_DRAINED;
    case OPTIONS_BAD:
        return EXIT_USAGE;
    case OPTIONS_RUN:
        break;
    }
    log_open(model_program, s.options.log_level);
    if (!reserve_descriptors(&s, &table_size))
        return EXIT_FAILED;
    if (s.options.check) {
        log_line(LOG_INFO, "the options are fine");
        return EXIT_DRAINED;
    }
    int code = EXIT_FAILED;
    if (open_listeners(&s) && open_log(&s) && open_memory(&s, table_size))
        code = run(&s);
    listeners_close(&s.listeners);
    access_log_close(&s.access_log);
    if (s.table.slots)
        conn_table_close(&s.table);
    if (s.board)
        scoreboard_close(s.board, s.slots);
    if (s.signals >= 0)
        close(s.signals);
    return code;
}
