/*
 * lifecycle.c — the order of steps here decides what a death in between costs: see conn.h.
 */
#include "lifecycle.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "outbox.h"
#include "wire.h"

static const uint32_t INPUT = EPOLLIN | EPOLLRDHUP | EPOLLET;

/* First the slot forgets it, then it is closed: whoever dies in between leaves a descriptor open,
 * but nobody closes a number twice, which may be another connection's the second time. */
void conn_close_body(struct conn *c)
{
    int fd = c->body_fd;
    c->body_fd = -1;
    if (fd >= 0)
        close(fd);
}

void conn_return_spool(struct server *s, struct conn *c)
{
    uint64_t bytes = c->spooled;
    if (bytes == 0)
        return;
    c->spooled = 0;
    atomic_fetch_sub(&s->board->spooled, bytes);
}

/* What it had besides its socket is given back. */
static void give_back(struct server *s, struct conn *c, const char *why)
{
    log_line(LOG_DEBUG, "connection %d: %s", conn_fd(&s->table, c), why);
    outbox_drop(c);
    conn_close_body(c);
    conn_return_spool(s, c);
    conn_stash_drop(&s->table, c);
    atomic_fetch_sub(&s->board->connections, 1);
}

/* Only what was promised and sent ends with a close_notify. */
static void end_tls(struct server *s, const struct conn *c, int fd, enum conn_end how)
{
    if (!(c->flags & CONN_TLS))
        return;
    if (how == END_CLOSE && !(c->flags & CONN_SHAKING))
        wire_tls_end(s, c, fd);
    wire_tls_forget(fd);
}

/* The socket remembers which end it was to have, for whoever has to finish the close: conn_promised_end.
 * Until it does, the phase says RST. A socket of a pair knows no RST, but remembers likewise. */
static bool promise_reset(struct conn *c, unsigned me, int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (!conn_step(c, me, CONN_SEND))
        return false;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return true;
}

enum conn_end conn_promised_end(int fd)
{
    struct linger l = {0};
    socklen_t size = sizeof l;
    bool is_known = getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &size) == 0;
    return is_known && !l.l_onoff ? END_CLOSE : END_RESET;
}

void conn_finish(struct server *s, struct conn *c, unsigned me, enum conn_end how, const char *why)
{
    int fd = conn_fd(&s->table, c);
    if ((how == END_RESET && !promise_reset(c, me, fd)) || !conn_step(c, me, CONN_CLOSING))
        return;
    give_back(s, c, why);
    end_tls(s, c, fd, how);
    conn_step(c, me, CONN_CLOSING); /* publishes the above to whoever is given this number next … */
    close(fd);                      /* … which may be now: conn_free finds out */
    conn_free(c, me);
}

void conn_forget(struct server *s, struct conn *c, unsigned me, const char *why)
{
    if (!conn_step(c, me, CONN_CLOSING))
        return;
    give_back(s, c, why);
    if (c->flags & CONN_TLS)
        wire_tls_forget(conn_fd(&s->table, c));
    conn_free(c, me);
}

/* No address, and no room for one: the sandbox lets this pass, and nothing that would lead anywhere. */
static void abort_socket(int fd)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    if (connect(fd, &nowhere, sizeof nowhere.sa_family) != 0)
        shutdown(fd, SHUT_RDWR); /* unix sockets know no RST */
}

/* RST at once, and the number stays taken: it is not known who else may have it in hand. */
void conn_cast_off(struct server *s, struct conn *c, unsigned me)
{
    int fd = conn_fd(&s->table, c);
    if (!conn_step(c, me, CONN_CLOSING))
        return;
    conn_reset(&s->table, c);
    wire_tls_forget(fd); /* whatever the slot says */
    if (listeners_accepted(&s->listeners, fd) || wire_tls_accepted(s, fd))
        abort_socket(fd);
    atomic_fetch_sub(&s->board->connections, 1);
    conn_free(c, me);
}

void conn_condemn(struct server *s, struct conn *c, unsigned me)
{
    log_line(LOG_ERROR,
             "connection %d is reset: something has written into its slot of the shared table",
             conn_fd(&s->table, c));
    atomic_fetch_add(&s->board->unsound, 1);
    conn_cast_off(s, c, me);
}

static bool ask_epoll(struct server *s, int fd, unsigned generation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = conn_tag(fd, generation)};
    if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return true;
    return errno == ENOENT && epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool conn_watch(struct server *s, struct conn *c, bool for_output)
{
    c->flags |= CONN_WATCHED;
    int fd = conn_fd(&s->table, c);
    return ask_epoll(s, fd, conn_generation(conn_word(c)), INPUT | (for_output ? EPOLLOUT : 0));
}

/* Room to write is nearly always there: asking for it makes an event at once. That is wanted where
 * output waits, and where whole requests may wait in the stash, which epoll cannot see. */
static uint32_t what_else_to_wait_for(const struct conn *c)
{
    uint8_t wait = atomic_load_explicit(&c->wait, memory_order_relaxed);
    return wait == WAIT_REQUEST || wait == WAIT_LINGER ? 0 : EPOLLOUT;
}

/*
 * Between our look at the word and epoll_ctl the number may have become another connection, whose
 * tag we would then have replaced. So look again, and put it right.
 */
void conn_nudge(struct server *s, struct conn *c)
{
    int fd = conn_fd(&s->table, c);
    bool is_mistagged = false;
    for (;;) {
        uint64_t word = conn_word(c);
        if (conn_phase(word) == CONN_FREE)
            return;
        bool is_idle = conn_phase(word) == CONN_IDLE;
        if (is_idle || is_mistagged) {
            ask_epoll(s, fd, conn_generation(word), INPUT | what_else_to_wait_for(c));
            is_mistagged = conn_generation(conn_word(c)) != conn_generation(word);
            if (is_mistagged)
                continue;
        }
        if (is_idle || conn_note(c, word))
            return;
    }
}

void conn_watch_again(struct server *s, struct conn *c)
{
    uint64_t word;
    do { /* as in conn_nudge */
        word = conn_word(c);
        if (conn_phase(word) == CONN_FREE)
            return;
        ask_epoll(s, conn_fd(&s->table, c), conn_generation(word), INPUT | EPOLLOUT);
    } while (conn_generation(conn_word(c)) != conn_generation(word));
    conn_nudge(s, c);
}

/* There is room to write nearly always, so asking for it makes an event. It may come while we still
 * own the connection: then it is a note, and another event is needed. */
void conn_hand_on(struct server *s, struct conn *c, unsigned me)
{
    do {
        if (!conn_watch(s, c, true)) {
            conn_finish(s, c, me, END_RESET, "epoll does not take it");
            return;
        }
    } while (!conn_release(c, me));
}

void conn_wait_until(struct conn *c, enum conn_wait wait, int64_t deadline)
{
    atomic_store_explicit(&c->wait, (uint8_t)wait, memory_order_relaxed);
    atomic_store_explicit(&c->deadline, deadline, memory_order_relaxed);
}

void conn_wait_for(struct conn *c, enum conn_wait wait, int64_t timeout)
{
    conn_wait_until(c, wait, clock_ms() + timeout);
}

void conn_wait_for_us(struct conn *c)
{
    conn_wait_until(c, WAIT_HEADER, 0);
}

void conn_wait_for_room(struct server *s, struct conn *c)
{
    c->queued = wire_unsent(s, c, conn_fd(&s->table, c));
    conn_wait_for(c, WAIT_WRITE, s->options.write_timeout);
}

bool conn_has_moved(struct server *s, struct conn *c)
{
    return wire_unsent(s, c, conn_fd(&s->table, c)) < c->queued;
}
