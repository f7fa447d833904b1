/*
 * guard.c — a look costs two system calls a post: 1.5 µs for a server with one listener.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "lifecycle.h"
#include "serve.h"
#include "signals.h"
#include "wire.h"

enum { TRY_AGAIN = 1000 /* ms */ };

/* The epoll, the eventfd and the signalfd have one inode together. The mark is on the open file, which
 * the next generation has as well (upgrade.h): of listeners only the inode says which it is. */
static int mark_of(size_t post)
{
    return SIGRTMIN + (int)post;
}

static bool is_it(const struct guard *g, size_t post, int fd)
{
    const struct post *p = &g->posts[post];
    struct stat st;
    if (post < GUARD_LISTENERS)
        return fd >= 0 && fcntl(fd, F_GETSIG) == mark_of(post);
    return fstat(fd, &st) == 0 && st.st_dev == p->device && st.st_ino == p->inode;
}

static const char *name_of(const struct guard *g, size_t post)
{
    static const char *const names[] = {"the epoll", "the eventfd that retires workers",
                                        "the signalfd"};
    if (post == GUARD_HANDOVER)
        return "the way in from the gates";
    if (post >= GUARD_OTHERS)
        return "a file that is kept open";
    return post < GUARD_LISTENERS ? names[post]
                                  : g->server->listeners.all[post - GUARD_LISTENERS].name;
}

/* --- making --- */

/* All addresses are not one of them: [::] alone would not take IPv4. And no name is resolved again,
 * which could take long. */
static int open_listener_again(struct guard *g, size_t i)
{
    struct listener *l = &g->server->listeners.all[i], fresh;
    const char *port = strrchr(l->name, ':');
    char address[sizeof l->name + 1], why[512];
    bool is_all = *l->typed == '*' || *l->typed == ':';
    snprintf(address, sizeof address, "%s%s", is_all ? "*" : "", is_all && port ? port : l->name);
    if (listener_open(&fresh, address, why, sizeof why)) {
        g->is_helpless = false;
        return fresh.fd;
    }
    log_line(LOG_ERROR, "%s", why);
    g->is_helpless = true;
    return -1;
}

static int give_up(struct guard *g, size_t post)
{
    struct post *p = &g->posts[post];
    g->has_lost_file = g->has_lost_file || p->is_module;
    g->has_lost_gates = g->has_lost_gates || p->is_gates;
    p->fd = -1; /* said once */
    errno = EBADF;
    return -1;
}

static bool is_of_gates(const struct guard *g, size_t i)
{
    return !wire_tls_in_place && g->server->listeners.all[i].kind == LISTENER_TLS;
}

/* While its gates live it cannot be bound again, and need not be: see guard_open_lost. */
static int make_listener_again(struct guard *g, size_t post)
{
    size_t i = post - GUARD_LISTENERS;
    if (!is_of_gates(g, i))
        return open_listener_again(g, i);
    g->server->listeners.all[i].fd = -1;
    return give_up(g, post);
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
    case GUARD_HANDOVER:
        return give_up(g, post); /* the other end is with the gates: no new one would lead there */
    default:
        break;
    }
    return post < GUARD_OTHERS ? make_listener_again(g, post) : give_up(g, post);
}

/* --- placing --- */

/* A number that was lost may be another post's by now. */
static void forget_copy(struct guard *g, size_t post)
{
    int fd = g->posts[post].copy;
    for (size_t i = 0; i < GUARD_POSTS; i++)
        if (g->posts[i].fd == fd || (i != post && g->posts[i].copy == fd))
            return;
    sweep_forget(g->sweep, fd);
}

static bool keep_copy(struct guard *g, size_t post, int copy)
{
    forget_copy(g, post);
    g->posts[post].copy = copy;
    sweep_keep(g->sweep, copy);
    return copy >= 0;
}

/* Not among the lowest numbers, which the posts themselves have, and may want back; nor so high that
 * the kernel's table grows. */
static bool copy_again(struct guard *g, size_t post)
{
    enum { LOWEST = 100 };
    return keep_copy(g, post, fcntl(g->posts[post].fd, F_DUPFD_CLOEXEC, LOWEST));
}

static bool identify(struct post *p, size_t post, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    p->device = st.st_dev;
    p->inode = st.st_ino;
    return post >= GUARD_OTHERS || fcntl(fd, F_SETSIG, mark_of(post)) == 0;
}

/* What is made may get the very number that was closed. */
static bool renew(struct guard *g, size_t post)
{
    int made = make_again(g, post);
    if (made < 0 || !identify(&g->posts[post], post, made)) {
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
    const struct listeners *ls = &g->server->listeners;
    enum listener_kind kind =
        post == GUARD_HANDOVER ? LISTENER_TLS : ls->all[post - GUARD_LISTENERS].kind;
    return serve_listener_tag(g->posts[post].fd, kind);
}

static bool is_watched(const struct guard *g, size_t post)
{
    const struct listeners *ls = &g->server->listeners;
    if (post == GUARD_RETIRE)
        return true;
    if (post < GUARD_LISTENERS || post >= GUARD_OTHERS || g->posts[post].fd < 0)
        return false;
    return post == GUARD_HANDOVER || wire_tls_in_place ||
           ls->all[post - GUARD_LISTENERS].kind != LISTENER_TLS;
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
    for (size_t i = 0; i < GUARD_OTHERS; i++)
        if (is_watched(g, i))
            watch(g, i);
    for (int fd = 0, last = conn_table_highest(&s->table); fd <= last; fd++)
        conn_watch_again(s, &s->table.slots[fd]);
}

/* --- looking --- */

static const char *outcome(const struct guard *g, size_t post, bool ok, bool is_new)
{
    if (ok)
        return is_new ? "it was made again" : "it was put back";
    if (g->posts[post].fd >= 0)
        return strerror(errno);
    return post >= GUARD_LISTENERS && post < GUARD_HANDOVER ? "its gates still have it"
                                                            : "it is gone for good";
}

static void restore(struct guard *g, size_t post)
{
    const struct post *p = &g->posts[post];
    int fd = p->fd;
    bool is_new = !is_it(g, post, p->copy);
    if (clock_ms() < g->again)
        return;
    bool ok = (!is_new || renew(g, post)) && (is_it(g, post, p->fd) || put_back(g, p));
    if (ok && !p->is_module)
        sweep_keep(g->sweep, fd);
    if (ok && is_new && post == GUARD_EPOLL)
        fill_epoll(g);
    if (ok && is_watched(g, post))
        ok = watch(g, post);
    log_line(LOG_ERROR, "something has closed descriptor %d, %s: %s", fd, name_of(g, post),
             outcome(g, post, ok, is_new));
    if (!ok && p->fd >= 0)
        g->again = clock_ms() + TRY_AGAIN;
}

void guard_tick(struct guard *g)
{
    for (size_t i = 0; i < GUARD_POSTS; i++) {
        const struct post *p = &g->posts[i];
        if (p->fd < 0)
            continue;
        if (!is_it(g, i, p->fd))
            restore(g, i);
        else if (!is_it(g, i, p->copy))
            copy_again(g, i);
    }
}

/* --- the whole --- */

static bool man(struct guard *g, size_t post, int fd)
{
    struct post *p = &g->posts[post];
    *p = (struct post){.fd = fd, .copy = -1};
    return identify(p, post, fd) && copy_again(g, post);
}

static void leave(struct guard *g, size_t post)
{
    struct post *p = &g->posts[post];
    if (p->fd >= 0 && is_it(g, post, p->copy)) {
        forget_copy(g, post);
        close(p->copy);
    }
    *p = (struct post){.fd = -1, .copy = -1};
}

bool guard_keep_handover(struct guard *g)
{
    int fd = g->server->handover;
    if (!man(g, GUARD_HANDOVER, fd))
        return false;
    g->posts[GUARD_HANDOVER].is_gates = true;
    sweep_keep(g->sweep, fd);
    return watch(g, GUARD_HANDOVER);
}

bool guard_open(struct guard *g, struct server *s, struct sweep *sweep)
{
    *g = (struct guard){.server = s, .sweep = sweep};
    for (size_t i = 0; i < GUARD_POSTS; i++)
        g->posts[i].fd = g->posts[i].copy = -1;
    bool ok = man(g, GUARD_EPOLL, s->epoll) && man(g, GUARD_RETIRE, s->retire) &&
              man(g, GUARD_SIGNALS, s->signals) && (s->handover < 0 || guard_keep_handover(g));
    for (size_t i = 0; ok && i < s->listeners.count; i++)
        ok = man(g, GUARD_LISTENERS + i, s->listeners.all[i].fd);
    if (!ok) {
        log_line(LOG_ERROR, "guard: %s", strerror(errno));
        guard_close(g);
    }
    return ok;
}

static size_t post_of(const struct guard *g, int fd)
{
    size_t post = GUARD_OTHERS;
    while (post < GUARD_POSTS && g->posts[post].fd != fd)
        post++;
    return post;
}

void guard_keep(struct guard *g, int fd)
{
    size_t post = post_of(g, fd);
    if (post < GUARD_POSTS)
        leave(g, post);
    else
        post = post_of(g, -1);
    if (post < GUARD_POSTS && !man(g, post, fd))
        leave(g, post);
}

static void mark_module(struct guard *g, int fd)
{
    size_t post = post_of(g, fd);
    if (post < GUARD_POSTS)
        g->posts[post].is_module = true;
}

void guard_keep_modules(struct guard *g)
{
    for (int fd = 0; fd < g->sweep->limit; fd++)
        if (sweep_is_module(g->sweep, fd)) {
            guard_keep(g, fd);
            mark_module(g, fd);
        }
}

void guard_forget_modules(struct guard *g)
{
    g->has_lost_file = false;
    for (size_t i = GUARD_OTHERS; i < GUARD_POSTS; i++)
        if (g->posts[i].is_module)
            leave(g, i);
}

void guard_keep_for_gates(struct guard *g, int fd)
{
    guard_keep(g, fd);
    sweep_keep(g->sweep, fd);
    size_t post = post_of(g, fd);
    if (post < GUARD_POSTS)
        g->posts[post].is_gates = true;
}

/* A number that is not what it was is somebody else's to close. */
void guard_close_gates(struct guard *g)
{
    for (size_t i = GUARD_HANDOVER; i < GUARD_POSTS; i++) {
        int fd = g->posts[i].fd;
        if (!g->posts[i].is_gates)
            continue;
        bool is_there = fd >= 0 && is_it(g, i, fd);
        leave(g, i);
        if (is_there) {
            sweep_forget(g->sweep, fd);
            close(fd);
        }
    }
    g->has_lost_gates = false;
}

bool guard_has_lost_listener(const struct guard *g)
{
    for (size_t i = 0; i < g->server->listeners.count; i++)
        if (g->server->listeners.all[i].fd < 0)
            return true;
    return false;
}

bool guard_open_lost(struct guard *g)
{
    struct listeners *ls = &g->server->listeners;
    for (size_t i = 0; i < ls->count; i++) {
        if (ls->all[i].fd >= 0)
            continue;
        int fd = open_listener_again(g, i);
        if (fd < 0)
            return false;
        ls->all[i].fd = fd;
        sweep_keep(g->sweep, fd);
        if (!man(g, GUARD_LISTENERS + i, fd))
            leave(g, GUARD_LISTENERS + i);
    }
    return true;
}

void guard_release_listeners(struct guard *g)
{
    for (size_t i = GUARD_LISTENERS; i < GUARD_OTHERS; i++)
        leave(g, i);
}

/* One that cannot be kept is there all the same. */
void guard_keep_listeners(struct guard *g)
{
    for (size_t i = 0; i < g->server->listeners.count; i++)
        if (!man(g, GUARD_LISTENERS + i, g->server->listeners.all[i].fd))
            leave(g, GUARD_LISTENERS + i);
}

void guard_close(struct guard *g)
{
    for (size_t i = 0; i < GUARD_POSTS; i++)
        leave(g, i);
}
