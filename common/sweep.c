/*
 * sweep.c — see sweep.h for why it takes two periods.
 */
#include "sweep.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "lifecycle.h"
#include "procfs.h"

enum {
    MARK = SIGURG,
    SHARE = 20,           /* sweeps take one part in so many of this process's time, at most */
    LOOK_PAUSE = 1000000, /* µs */
    HANDFUL = 4,          /* descriptors a worker may have in hand and not be noticed */
    SLACK = 64
};

/* --- sets of numbers --- */

static bool has(const uint64_t *set, int fd)
{
    return set[fd / 64] >> (fd % 64) & 1;
}

static void put(uint64_t *set, int fd)
{
    set[fd / 64] |= (uint64_t)1 << (fd % 64);
}

static void drop(uint64_t *set, int fd)
{
    set[fd / 64] &= ~((uint64_t)1 << (fd % 64));
}

static size_t words(const struct sweep *w)
{
    return w->server->table.size / 64 + 1;
}

static void empty(const struct sweep *w, uint64_t *set)
{
    memset(set, 0, words(w) * sizeof *set);
}

/* --- what is open, and what is used --- */

/* The size the kernel has given to the descriptor table: 256 for most of us, and a fifth of what it
 * costs to ask for the names in /proc/self/fd, which may be closed to us besides. */
static int table_limit(const struct sweep *w)
{
    long size = (long)w->server->table.size, limit = procfs_status("FDSize:", 10);
    return (int)(limit > 0 && limit < size ? limit : size);
}

static void put_used(struct sweep *w, int fd)
{
    if (fd >= 0 && (size_t)fd < w->server->table.size)
        put(w->used, fd);
}

/* Its owner may be writing there: what we read is what was there a moment ago, or will be. */
__attribute__((no_sanitize("thread"))) static void put_named(struct sweep *w, const struct conn *c)
{
    put_used(w, *(const volatile int *)&c->body_fd);
    put_used(w, *(const volatile int *)&c->out[0].fd);
    put_used(w, *(const volatile int *)&c->out[1].fd);
}

static void find_used(struct sweep *w)
{
    struct conn_table *t = &w->server->table;
    int highest = conn_table_highest(t);
    w->highest = highest > w->highest ? highest : w->highest; /* it grows; less is not believed */
    w->limit = table_limit(w);
    empty(w, w->used);
    int last =
        w->highest < w->limit ? w->highest : w->limit - 1; /* slots beyond take no memory yet */
    for (int fd = 0; fd <= last; fd++) {
        const struct conn *c = &t->slots[fd];
        if (conn_phase(conn_word(c)) == CONN_FREE)
            continue;
        put(w->used, fd);
        put_named(w, c);
    }
}

/* --ready-fd will be closed by whoever has inherited it, and its number reused. */
static bool is_unexplained(const struct sweep *w, int fd)
{
    return !has(w->core, fd) && !has(w->used, fd) && fd != w->server->options.ready_fd;
}

static void put_open(struct sweep *w, uint64_t *set)
{
    find_used(w);
    for (int fd = 0; fd < w->limit; fd++)
        if (is_unexplained(w, fd) && fcntl(fd, F_GETFD) >= 0)
            put(set, fd);
}

/* --- marks --- */

static bool mark(struct sweep *w, int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0)
        return false;
    if (flags & FD_CLOEXEC)
        put(w->was_set, fd);
    else
        drop(w->was_set, fd);
    if (fcntl(fd, F_GETSIG) == 0) /* else it is a dup of one that guard.c has marked */
        fcntl(fd, F_SETSIG, MARK);
    return fcntl(fd, F_SETFD, flags ^ FD_CLOEXEC) == 0;
}

static bool is_marked(const struct sweep *w, int fd)
{
    int flags = fcntl(fd, F_GETFD);
    bool is_set = flags & FD_CLOEXEC;
    return flags >= 0 && is_set != has(w->was_set, fd) && fcntl(fd, F_GETSIG) != 0;
}

static void unmark(struct sweep *w, int fd)
{
    if (!is_marked(w, fd))
        return;
    if (fcntl(fd, F_GETSIG) == MARK)
        fcntl(fd, F_SETSIG, 0);
    fcntl(fd, F_SETFD, has(w->was_set, fd) ? FD_CLOEXEC : 0);
}

static void begin_period(struct sweep *w, enum sweep_stage stage)
{
    w->stage = stage;
    grace_begin(&w->grace, w->server);
}

/* --- one sweep --- */

/* False: there is none. */
static bool find_suspects(struct sweep *w)
{
    bool found = false;
    find_used(w);
    for (int fd = 0; fd < w->limit; fd++) {
        if (!is_unexplained(w, fd) || !mark(w, fd))
            continue;
        put(w->suspect, fd);
        found = true;
    }
    return found;
}

/* Those that turn out to be in use, or to be others by now, are none any more. */
static void look_at_suspects(struct sweep *w)
{
    find_used(w);
    for (int fd = 0; fd < w->limit; fd++) {
        if (!has(w->suspect, fd) || (!has(w->used, fd) && is_marked(w, fd)))
            continue;
        unmark(w, fd);
        drop(w->suspect, fd);
    }
}

static void adopt(struct server *s, int fd)
{
    struct conn *c = conn_open(&s->table, fd, CONN_SUPERVISOR);
    socklen_t size = sizeof c->peer;
    getpeername(fd, (struct sockaddr *)&c->peer, &size);
    client_meet(s, c);
    atomic_fetch_add(&s->board->connections, 1);
    log_line(LOG_DEBUG, "connection %d: adopted, its worker died while accepting it", fd);
    conn_wait_for(c, WAIT_REQUEST, s->options.header_timeout);
    conn_hand_on(s, c, CONN_SUPERVISOR);
}

/* A client whose connection was accepted and not entered in the table is served all the same. */
static void dispose_of_suspects(struct sweep *w)
{
    struct server *s = w->server;
    unsigned closed = 0;
    for (int fd = 0; fd < w->limit; fd++) {
        if (!has(w->suspect, fd))
            continue;
        unmark(w, fd); /* its file may be open elsewhere, too */
        if (listeners_accepted(&s->listeners, fd))
            adopt(s, fd);
        else
            closed += close(fd) == 0;
    }
    empty(w, w->suspect);
    if (closed == 0)
        return;
    atomic_fetch_add(&s->board->swept, closed);
    log_line(LOG_WARN, "swept %u descriptor%s that workers or handlers had left open", closed,
             closed == 1 ? "" : "s");
}

/* --- leaks that no death has told of --- */

/* More are open than all workers can have in hand. (That the lowest free number is low says nothing:
 * one connection that ends leaves a hole below all that was leaked while it was there.) */
static bool are_too_many_open(struct sweep *w)
{
    int unexplained = 0;
    find_used(w);
    for (int fd = 0; fd < w->limit; fd++)
        unexplained += is_unexplained(w, fd) && fcntl(fd, F_GETFD) >= 0;
    return unexplained > HANDFUL * (int)w->server->slots + SLACK;
}

static bool is_wanted(struct sweep *w, int64_t now)
{
    if (now < w->not_before)
        return false;
    if (!w->is_asked && now >= w->look_again) {
        w->look_again = now + LOOK_PAUSE;
        w->is_asked = are_too_many_open(w);
    }
    return w->is_asked;
}

/* --- the whole --- */

/* Does what is due in this stage. False: nothing is, yet. */
static bool step(struct sweep *w, int64_t now)
{
    if (w->stage == SWEEP_REST ? !is_wanted(w, now) : !grace_is_over(&w->grace, w->server))
        return false;
    switch (w->stage) {
    case SWEEP_REST:
        w->is_asked = false;
        if (find_suspects(w))
            begin_period(w, SWEEP_FIRST);
        break;
    case SWEEP_FIRST:
        look_at_suspects(w);
        begin_period(w, SWEEP_SECOND);
        break;
    case SWEEP_SECOND:
        look_at_suspects(w);
        dispose_of_suspects(w);
        w->stage = SWEEP_REST;
        break;
    }
    return true;
}

void sweep_tick(struct sweep *w)
{
    int64_t start = clock_us();
    if (!w->knows_core || !step(w, start))
        return;
    int64_t end = clock_us();
    w->spent += end - start;
    if (w->stage != SWEEP_REST)
        return;
    w->not_before = end + SHARE * w->spent;
    w->spent = 0;
}

void sweep_ask(struct sweep *w)
{
    w->is_asked = true;
}

bool sweep_is_busy(const struct sweep *w)
{
    return w->knows_core && (w->is_asked || w->stage != SWEEP_REST);
}

/* Back to the beginning: nobody is suspected, and only what is our own is core. */
static void start_over(struct sweep *w)
{
    for (int fd = 0; fd < w->limit; fd++)
        if (has(w->suspect, fd))
            unmark(w, fd);
    empty(w, w->suspect);
    memcpy(w->core, w->own, words(w) * sizeof *w->core);
    w->stage = SWEEP_REST;
    w->is_asked = w->knows_core = false;
}

/* A number that was ours, and was lost, is anybody's. */
static void prune_own(struct sweep *w)
{
    for (int fd = 0; fd < w->limit; fd++)
        if (has(w->own, fd) && fcntl(fd, F_GETFD) < 0)
            sweep_forget(w, fd);
}

void sweep_now(struct sweep *w)
{
    start_over(w);
    prune_own(w);
    find_suspects(w);
    dispose_of_suspects(w);
}

void sweep_learn_core(struct sweep *w)
{
    start_over(w);
    put_open(w, w->core);
    w->knows_core = true;
}

static bool is_number(const struct sweep *w, int fd)
{
    return w->own && fd >= 0 && (size_t)fd < w->server->table.size;
}

bool sweep_is_module(const struct sweep *w, int fd)
{
    return is_number(w, fd) && has(w->core, fd) && !has(w->own, fd);
}

void sweep_keep(struct sweep *w, int fd)
{
    if (!is_number(w, fd))
        return;
    put(w->own, fd);
    put(w->core, fd);
}

void sweep_forget(struct sweep *w, int fd)
{
    if (!is_number(w, fd))
        return;
    drop(w->own, fd);
    drop(w->core, fd);
}

bool sweep_open(struct sweep *w, struct server *s)
{
    enum { SETS = 5 };
    *w = (struct sweep){.server = s};
    w->own = calloc(SETS * words(w), sizeof *w->own);
    if (!grace_open(&w->grace, s) || !w->own) {
        sweep_close(w);
        return false;
    }
    w->core = w->own + words(w);
    w->used = w->core + words(w);
    w->suspect = w->used + words(w);
    w->was_set = w->suspect + words(w);
    put_open(w, w->own);
    return true;
}

void sweep_close(struct sweep *w)
{
    free(w->own);
    grace_close(&w->grace);
    w->own = NULL;
}
