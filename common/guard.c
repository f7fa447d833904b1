/*
 * guard.c — a look costs two system calls a post, 0.2 µs.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "lifecycle.h"
#include "serve.h"
#include "signals.h"

enum { TRY_AGAIN = 1000 /* ms */ };

static int mark_of(size_t post)
{
    return SIGRTMIN + (int)post;
}

static bool bears_mark(int fd, size_t post)
{
    return fd >= 0 && fcntl(fd, F_GETSIG) == mark_of(post);
}

static const char *name_of(const struct guard *g, size_t post)
{
    static const char *const names[] = {"the epoll", "the eventfd that retires workers",
                                        "the signalfd"};
    return post < GUARD_LISTENERS ? names[post]
                                  : g->server->listeners.all[post - GUARD_LISTENERS].name;
}

/* --- making --- */

/* All addresses are not one of them: [::] alone would not take IPv4. And no name is resolved again,
 * which could take long. */
static int open_listener_again(struct guard *g, size_t i)
{
    struct listener *l = &g->server->listeners.all[i], fresh;
    const char *typed = g->server->options.listen[i], *port = strrchr(l->name, ':');
    char address[sizeof l->name + 1], why[512];
    bool is_all = i < g->server->options.listen_count && (*typed == '*' || *typed == ':');
    snprintf(address, sizeof address, "%s%s", is_all ? "*" : "", is_all && port ? port : l->name);
    if (listener_open(&fresh, address, why, sizeof why)) {
        g->is_helpless = false;
        return fresh.fd;
    }
    log_line(LOG_ERROR, "%s", why);
    g->is_helpless = true;
    return -1;
}

static int make_again(struct guard *g, size_t post)
{
    switch (post) {
    case GUARD_EPOLL:
        return epoll_create1(EPOLL_CLOEXEC);
    case GUARD_RETIRE:
        return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    case GUARD_SIGNALS:
        return signals_open(); /* signals that came meanwhile are still pending */
    default:
        return open_listener_again(g, post - GUARD_LISTENERS);
    }
}

/* --- placing --- */

static bool keep_copy(struct guard *g, size_t post, int copy)
{
    sweep_forget(g->sweep, g->posts[post].copy);
    g->posts[post].copy = copy;
    sweep_keep(g->sweep, copy);
    return copy >= 0;
}

static bool copy_again(struct guard *g, size_t post)
{
    return keep_copy(g, post, fcntl(g->posts[post].fd, F_DUPFD_CLOEXEC, 0));
}

/* What is made may get the very number that was closed. */
static bool renew(struct guard *g, size_t post)
{
    int made = make_again(g, post);
    if (made < 0 || fcntl(made, F_SETSIG, mark_of(post)) != 0) {
        if (made >= 0)
            close(made);
        return false;
    }
    return made == g->posts[post].fd ? copy_again(g, post) : keep_copy(g, post, made);
}

/* Its owner, should it have one, finds that it has lost it; what its slot names is swept. */
static void evict(struct guard *g, int fd)
{
    struct conn *c = conn_at(&g->server->table, fd);
    while (c && conn_phase(conn_word(c)) != CONN_FREE) {
        if (!conn_seize(c, conn_word(c), CONN_CLOSING))
            continue;
        conn_cast_off(g->server, c, CONN_SUPERVISOR);
        sweep_ask(g->sweep);
    }
}

static bool put_back(struct guard *g, const struct post *p)
{
    int placed;
    evict(g, p->fd);
    do
        placed = dup3(p->copy, p->fd, O_CLOEXEC);
    while (placed < 0 && (errno == EBUSY || errno == EINTR));
    return placed >= 0;
}

static uint64_t listener_tag(const struct guard *g, size_t post)
{
    const struct listener *l = &g->server->listeners.all[post - GUARD_LISTENERS];
    return serve_listener_tag(g->posts[post].fd, l->is_admin);
}

static bool watch(struct guard *g, size_t post)
{
    int fd = g->posts[post].fd;
    uint64_t tag = post == GUARD_RETIRE ? serve_retire_tag() : listener_tag(g, post);
    return server_watch(g->server, fd, tag) || errno == EEXIST;
}

/* What is missing is watched when its turn comes to be put back. */
static void fill_epoll(struct guard *g)
{
    struct server *s = g->server;
    for (size_t i = 0; i < g->count; i++)
        if (i != GUARD_EPOLL && i != GUARD_SIGNALS)
            watch(g, i);
    for (int fd = 0, last = conn_table_highest(&s->table); fd <= last; fd++)
        conn_watch_again(s, &s->table.slots[fd]);
}

/* --- looking --- */

static void restore(struct guard *g, size_t post)
{
    const struct post *p = &g->posts[post];
    bool is_new = !bears_mark(p->copy, post);
    if (clock_ms() < g->again)
        return;
    bool ok = (!is_new || renew(g, post)) && (bears_mark(p->fd, post) || put_back(g, p));
    if (ok && is_new && post == GUARD_EPOLL)
        fill_epoll(g);
    if (ok && post != GUARD_EPOLL && post != GUARD_SIGNALS)
        ok = watch(g, post);
    if (ok)
        log_line(LOG_ERROR, "something has closed descriptor %d, %s: it was %s", p->fd,
                 name_of(g, post), is_new ? "made again" : "put back");
    else
        log_line(LOG_ERROR, "something has closed descriptor %d, %s: %s", p->fd, name_of(g, post),
                 strerror(errno));
    if (!ok)
        g->again = clock_ms() + TRY_AGAIN;
}

void guard_tick(struct guard *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct post *p = &g->posts[i];
        if (!bears_mark(p->fd, i))
            restore(g, i);
        else if (!bears_mark(p->copy, i))
            copy_again(g, i);
    }
}

/* --- the whole --- */

static bool man(struct guard *g, int fd)
{
    struct post *p = &g->posts[g->count];
    *p = (struct post){.fd = fd, .copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    return fcntl(fd, F_SETSIG, mark_of(g->count++)) == 0 && p->copy >= 0;
}

bool guard_open(struct guard *g, struct server *s, struct sweep *sweep)
{
    *g = (struct guard){.server = s, .sweep = sweep};
    bool ok = man(g, s->epoll) && man(g, s->retire) && man(g, s->signals);
    for (size_t i = 0; ok && i < s->listeners.count; i++)
        ok = man(g, s->listeners.all[i].fd);
    if (!ok) {
        log_line(LOG_ERROR, "guard: %s", strerror(errno));
        guard_close(g);
    }
    return ok;
}

static void leave(struct guard *g, size_t post)
{
    int copy = g->posts[post].copy;
    if (!bears_mark(copy, post))
        return;
    sweep_forget(g->sweep, copy);
    close(copy);
}

void guard_release_listeners(struct guard *g)
{
    while (g->count > GUARD_LISTENERS)
        leave(g, --g->count);
}

void guard_close(struct guard *g)
{
    while (g->count > 0)
        leave(g, --g->count);
}
