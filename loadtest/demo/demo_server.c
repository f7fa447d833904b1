/*
 * demo_server.c — the three commands.
 */
#include "demo_server.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANY_PORT "127.0.0.1:0"

/* How each subject is started. */
static const struct {
    const char *name;
    const char *program;
    const char *isolation; /* NULL: the option does not exist there */
} recipes[SUBJECTS] = {[THREAD] = {"thread", "server-thread", NULL},
                       [POOL] = {"pool", "server-proc", "pool"},
                       [FRESH] = {"fresh", "server-proc", "fresh"}};

const char *demo_server_name(size_t index)
{
    return recipes[index].name;
}

int demo_divide_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 2)
        return -1;
    int first = 0;
    while (!CPU_ISSET((size_t)first, &set))
        first++;
    CPU_CLR((size_t)first, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? first : -1;
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* What was installed is in one folder with us; what was built, build/release/loadtest/loadtest, has a
 * folder for each. */
static bool find_server(const struct demo_options *o, const char *program, char *path, size_t room)
{
    char folder[WORKSHOP_PATH];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    snprintf(path, room, "%s/%s", o->servers ? o->servers : folder, program);
    if (is_program(path))
        return true;
    if (o->servers)
        snprintf(path, room, "%s/%s/%s", o->servers, program, program);
    else
        snprintf(path, room, "%s/../%s/%s", folder, program, program);
    return is_program(path);
}

/* "--name value", when there is a value. */
static void add_option(struct demo_server *s, size_t *n, const char *name, const char *value)
{
    if (!value)
        return;
    s->argv[(*n)++] = name;
    s->argv[(*n)++] = value;
}

static void write_command(struct demo_server *s, const struct demo *d, size_t index,
                          const struct demo_needs *needs, const struct workshop *w)
{
    snprintf(s->ready, sizeof s->ready, "%d", SUBJECT_READY_FD);
    snprintf(s->connections, sizeof s->connections, "%u", needs->connections + 64);
    snprintf(s->listen, sizeof s->listen, ANY_PORT);
    snprintf(s->admin, sizeof s->admin, ANY_PORT);
    const char *always[] = {s->binary, "--listen",        s->listen,       "--admin",
                            s->admin,  "--ready-fd",      s->ready,        "--root",
                            w->root,   "--enable-faults", "--enable-demo", "--access-log",
                            "off",     "--log-level",     "error"};
    size_t n = sizeof always / sizeof always[0];
    memcpy(s->argv, always, sizeof always);
    /* Their default is ample for less. */
    add_option(s, &n, "--max-connections", needs->connections > 512 ? s->connections : NULL);
    add_option(s, &n, "--request-timeout", needs->request_timeout);
    add_option(s, &n, "--workers", d->options->workers);
    add_option(s, &n, "--isolation", recipes[index].isolation);
    s->argv[n] = NULL;
}

/* It is to be found there again when it is started again, and so is its /metrics. */
static void keep_addresses(struct demo_server *s)
{
    snprintf(s->listen, sizeof s->listen, "%s", s->subject.address);
    snprintf(s->admin, sizeof s->admin, "%s", s->subject.admin);
    snprintf(s->metrics, sizeof s->metrics, "http://%s/metrics", s->admin);
}

/* Somebody else's: what there is to know of it stands in its /metrics. */
static void visit(struct demo_server *s, const struct demo_elsewhere *there)
{
    s->subject = (struct subject){.pid = -1};
    snprintf(s->subject.address, sizeof s->subject.address, "%s", there->address);
    snprintf(s->subject.admin, sizeof s->subject.admin, "%s", there->admin);
    keep_addresses(s);
}

bool demo_server_start(struct demo_server *s, const struct demo *d, size_t index,
                       const struct demo_needs *needs, const struct workshop *w,
                       struct complaint *why)
{
    if (d->options->elsewhere) {
        visit(s, &d->options->against[index]);
        return true;
    }
    if (!find_server(d->options, recipes[index].program, s->binary, sizeof s->binary))
        return complain(why,
                        "%s: %s: build it first (cmake --build --preset release), or say where the "
                        "servers are with --servers DIR",
                        s->binary, strerror(errno));
    write_command(s, d, index, needs, w);
    struct subject_plan how = {.argv = (char *const *)s->argv, .log = w->log, .cpu = d->server_cpu};
    unlink(w->log);
    if (!subject_start(&s->subject, &how, why))
        return false;
    keep_addresses(s);
    return true;
}

void demo_server_stop(struct demo_server *s)
{
    subject_stop(&s->subject);
}
