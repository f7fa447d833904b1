/*
 * activation.c — first all sockets are looked at, then each option takes the one that is its own.
 */
#include "activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "quantity.h"

enum { FIRST = 3, LIMIT_GIFTS = 64 };

static const char *const kind_names[] = {
    [LISTENER_PLAIN] = "http", [LISTENER_TLS] = "https", [LISTENER_ADMIN] = "admin"};

static struct gift {
    int fd; /* -1: it was taken, or closed */
    enum listener_kind kind;
    bool is_own;
} gifts[LIMIT_GIFTS];
static size_t count;

/* --- what is there --- */

static void read_name(struct gift *g, const char *name, size_t length)
{
    static const char own[] = "/own";
    size_t tail = sizeof own - 1;
    g->is_own = length > tail && strncmp(name + length - tail, own, tail) == 0;
    length -= g->is_own ? tail : 0;
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (strlen(kind_names[i]) == length && strncmp(kind_names[i], name, length) == 0)
            g->kind = (enum listener_kind)i;
}

static int int_option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* NULL: nothing is. */
static const char *what_is_wrong(int fd)
{
    int family = int_option(fd, SO_DOMAIN);
    if (fcntl(fd, F_GETFD) < 0)
        return "is not open: LISTEN_FDS says more than was handed over";
    if (family < 0)
        return "is no socket: hand over what ListenStream= opens";
    if (int_option(fd, SO_TYPE) != SOCK_STREAM ||
        (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
        return "is no stream socket (TCP or unix): use ListenStream=";
    if (int_option(fd, SO_ACCEPTCONN) != 1)
        return "does not listen: use ListenStream= with Accept=no";
    return NULL;
}

static bool prepare(int fd)
{
    const char *why = what_is_wrong(fd);
    if (!why && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
                 fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0))
        why = strerror(errno);
    if (why)
        log_line(LOG_ERROR, "socket activation: descriptor %d %s", fd, why);
    return !why;
}

/* How many were meant for us; what is no number is more than can be taken. */
static uint64_t read_count(const char *fds)
{
    const char *pid = getenv("LISTEN_PID");
    uint64_t whom, number;
    if (!pid || !fds || !parse_number(pid, INT32_MAX, &whom) || whom != (uint64_t)getpid())
        return 0;
    return parse_number(fds, INT32_MAX, &number) ? number : UINT64_MAX;
}

static void read_names(void)
{
    const char *name = getenv("LISTEN_FDNAMES");
    for (size_t i = 0; name && i < count; i++) {
        size_t length = strcspn(name, ":");
        read_name(&gifts[i], name, length);
        name = name[length] ? name + length + 1 : NULL;
    }
}

bool activation_read(void)
{
    const char *fds = getenv("LISTEN_FDS");
    uint64_t number = read_count(fds);
    bool ok = number <= LIMIT_GIFTS;
    if (!ok)
        log_line(
            LOG_ERROR,
            "socket activation: LISTEN_FDS=%.100s: it must be the number of sockets, %d at most",
            fds, LIMIT_GIFTS);
    count = ok ? number : 0;
    for (size_t i = 0; i < count; i++) {
        gifts[i] = (struct gift){.fd = FIRST + (int)i, .kind = LISTENER_PLAIN};
        ok = prepare(gifts[i].fd) && ok;
    }
    read_names();
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return ok;
}

/* --- who takes which --- */

static struct gift *find_at(const char *address, bool is_any_port)
{
    for (size_t i = 0; i < count; i++)
        if (gifts[i].fd >= 0 && (gifts[i].is_own || !is_any_port) &&
            listener_is_at(gifts[i].fd, address, is_any_port))
            return &gifts[i];
    return NULL;
}

static struct gift *find_named(enum listener_kind kind)
{
    for (size_t i = 0; i < count; i++)
        if (gifts[i].fd >= 0 && !gifts[i].is_own && gifts[i].kind == kind)
            return &gifts[i];
    return NULL;
}

/* The addresses of one kind, and the sockets they have been given: each is looked for by its address
 * before the first takes what is there by its name. */
struct wants {
    const char *const *addresses;
    size_t count;
    struct gift given[LIMIT_TEXTS]; /* fd 0: none; no gift has that number */
};

static bool give(struct wants *w, size_t i, struct gift *g)
{
    if (!g)
        return false;
    w->given[i] = *g;
    g->fd = -1;
    return true;
}

static void give_by_address(struct wants *w, bool is_any_port)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->given[i].fd == 0)
            give(w, i, find_at(w->addresses[i], is_any_port));
}

static void give_by_name(struct wants *w, enum listener_kind kind)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->given[i].fd == 0 && give(w, i, find_named(kind)))
            log_line(LOG_INFO, "descriptor %d, handed over for %s, takes the place of %s",
                     w->given[i].fd, kind_names[kind], w->addresses[i]);
}

static bool open_one(struct listeners *ls, const char *address, const struct gift *given,
                     const char *place)
{
    char why[512];
    struct listener *l = &ls->all[ls->count];
    if (given->fd > 0) {
        listener_adopt(l, given->fd, address, given->is_own);
    } else if (!listener_open(l, address, why, sizeof why)) {
        log_line(LOG_ERROR, "%s: %s", place, why);
        return false;
    }
    ls->count++;
    return true;
}

/* What is there beyond what the options name, as long as there is room. */
static void open_surplus(struct listeners *ls, enum listener_kind kind)
{
    for (struct gift *g; ls->count < LIMIT_LISTENERS && (g = find_named(kind)); g->fd = -1) {
        struct listener *l = &ls->all[ls->count++];
        listener_adopt(l, g->fd, NULL, false);
        log_line(LOG_INFO, "descriptor %d, handed over for %s, is served, too: %s", g->fd,
                 kind_names[kind], l->name);
    }
}

/* After a failure only what was handed over is taken, to be closed with the rest. */
static bool open_kind(struct listeners *ls, const struct wants *w, enum listener_kind kind)
{
    static const char *const names[] = {
        [LISTENER_PLAIN] = "listen", [LISTENER_TLS] = "tls-listen", [LISTENER_ADMIN] = "admin"};
    size_t first = ls->count;
    bool ok = true;
    for (size_t i = 0; i < w->count; i++)
        if (ok || w->given[i].fd > 0)
            ok = open_one(ls, w->addresses[i], &w->given[i], options_place(names[kind], i)) && ok;
    if (ok && w->count > 0 && kind != LISTENER_ADMIN)
        open_surplus(ls, kind);
    for (size_t i = first; i < ls->count; i++)
        ls->all[i].kind = kind;
    return ok;
}

/* Nothing is spoken that no option has asked for. */
static bool has_unwanted(const struct options *o)
{
    static const char *const advice[] = {
        [LISTENER_PLAIN] = "there is no --listen: add it, or name the socket https "
                           "(FileDescriptorName=https)",
        [LISTENER_TLS] = "there is no --tls-listen: add it, and --tls-cert",
        [LISTENER_ADMIN] = "there is no --admin: add it, or name the socket http "
                           "(FileDescriptorName=http)"};
    for (size_t kind = 0; kind < sizeof advice / sizeof advice[0]; kind++) {
        const struct gift *g = find_named((enum listener_kind)kind);
        if (!g)
            continue;
        bool is_known = kind == LISTENER_ADMIN ? o->admin != NULL
                        : kind == LISTENER_TLS ? o->tls_listen.count > 0
                                               : o->listen.count > 0;
        log_line(LOG_ERROR, "socket activation: descriptor %d is for %s, but %s", g->fd,
                 kind_names[kind],
                 is_known ? "there is no room for more: hand over fewer" : advice[kind]);
        return true;
    }
    return false;
}

bool activation_open(struct listeners *ls, const struct options *o)
{
    struct wants all[] = {
        [LISTENER_PLAIN] = {.addresses = o->listen.all, .count = o->listen.count},
        [LISTENER_TLS] = {.addresses = o->tls_listen.all, .count = o->tls_listen.count},
        [LISTENER_ADMIN] = {.addresses = &o->admin, .count = o->admin ? 1 : 0}};
    enum { KINDS = sizeof all / sizeof all[0] };
    for (size_t i = 0; i < KINDS; i++)
        give_by_address(&all[i], false);
    for (size_t i = 0; i < KINDS; i++)
        give_by_address(&all[i], true);
    for (size_t i = 0; i < KINDS; i++)
        give_by_name(&all[i], (enum listener_kind)i);
    bool ok = true;
    for (size_t i = 0; i < KINDS; i++)
        ok = open_kind(ls, &all[i], (enum listener_kind)i) && ok;
    return ok && !has_unwanted(o);
}

void activation_drop(void)
{
    for (size_t i = 0; i < count; i++) {
        if (gifts[i].fd < 0)
            continue;
        log_line(LOG_INFO, "descriptor %d, which no option asks for any more, is closed",
                 gifts[i].fd);
        close(gifts[i].fd);
    }
    count = 0;
}

const char *activation_name(const struct listener *l)
{
    static const char *const own[] = {[LISTENER_PLAIN] = "http/own",
                                      [LISTENER_TLS] = "https/own",
                                      [LISTENER_ADMIN] = "admin/own"};
    return l->is_own ? own[l->kind] : kind_names[l->kind];
}
