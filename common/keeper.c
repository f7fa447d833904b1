/*
 * keeper.c — what the phase of a dead worker's connection says (conn.h) is done here.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lifecycle.h"
#include "outbox.h"

static const char READING[] = "while reading a request";

enum { TICK_BUSY = 20, TICK_IDLE = 200, GRACE = 1000 /* ms */ };

bool keeper_open(struct keeper *k, struct server *s)
{
    *k = (struct keeper){0};
    teller_open(&k->teller, s, CONN_SUPERVISOR);
    for (int fd = 0; fd < KEEPER_CORE; fd++) /* --ready-fd will be closed, and its number reused */
        k->is_core[fd] = fcntl(fd, F_GETFD) >= 0 && fd != s->options.ready_fd;
    k->turns = calloc(s->board->slot_count, sizeof *k->turns);
    return k->turns;
}

void keeper_close(struct keeper *k)
{
    teller_close(&k->teller);
    free(k->turns);
}

/* --- answering in a worker's place --- */

static void log_lost_request(struct keeper *k, const struct conn *c, const struct worker_slot *slot,
                             int status, const char *cause)
{
    struct server *s = k->teller.server;
    char id[REQUEST_ID_SIZE], line[SCORE_METHOD + SCORE_TARGET + 16];
    int n = snprintf(line, sizeof line, "%.*s %.*s HTTP/1.%d", SCORE_METHOD - 1, slot->method,
                     SCORE_TARGET - 1, slot->target, c->flags & CONN_OLD ? 0 : 1);
    request_id(s->board, slot, id);
    int64_t started = atomic_load(&slot->started);
    access_log_write(&s->access_log, &(struct access_entry){
                                         .peer = &c->peer,
                                         .line = line,
                                         .line_len = (size_t)n,
                                         .status = status,
                                         .bytes = k->teller.response.body.len,
                                         .microseconds = started ? clock_us() - started : 0,
                                         .id = id,
                                         .cause = cause,
                                     });
}

static void let_go(struct keeper *k, struct conn *c, enum next next)
{
    struct server *s = k->teller.server;
    if (next == NEXT_GONE)
        return;
    bool has_business = !outbox_is_empty(c) || c->head_len > 0 || c->flags & CONN_LINGER;
    if (next == NEXT_AGAIN && !has_business) {
        if (c->stash_len > 0) /* requests that were sent along with the one that died */
            conn_wait_for_us(c);
        else
            conn_wait_for(c, WAIT_REQUEST, s->options.idle_timeout);
    }
    conn_hand_on(s, c, CONN_SUPERVISOR);
}

void keeper_answer(struct keeper *k, struct conn *c, const struct worker_slot *slot,
                   const struct death *d)
{
    struct server *s = k->teller.server;
    int status = death_status(d);
    char id[REQUEST_ID_SIZE], detail[2 * DEATH_CAUSE_SIZE], cause[DEATH_CAUSE_SIZE];
    request_id(s->board, slot, id);
    response_problem(&k->teller.response, conn_problem_form(c), status, death_detail(d, detail),
                     id);
    conn_close_body(c);
    scoreboard_count_served(s->board, (size_t)(slot - s->board->slots));
    log_lost_request(k, c, slot, status, death_cause(d, cause));
    if (conn_step(c, CONN_SUPERVISOR, CONN_SEND))
        let_go(k, c, answer_send(&k->teller, c, false));
}

/* --- the dead --- */

/* Was `fd` closed before its owner died? Then the number may be another's already. */
static bool is_same_socket(const struct conn *c, int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 && cookie == c->cookie;
}

static void finish_close(struct keeper *k, struct conn *c)
{
    struct server *s = k->teller.server;
    if (is_same_socket(c, conn_fd(&s->table, c)))
        conn_finish(s, c, CONN_SUPERVISOR, END_CLOSE, "its worker died while closing it");
    else
        conn_free(c, CONN_SUPERVISOR);
}

/* Accepted, and not entered any further. */
static void complete_entry(struct keeper *k, struct conn *c)
{
    int fd = conn_fd(&k->teller.server->table, c);
    socklen_t size = sizeof c->cookie, peer_size = sizeof c->peer;
    if (c->cookie != 0)
        return;
    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &c->cookie, &size);
    getpeername(fd, (struct sockaddr *)&c->peer, &peer_size);
    conn_wait_for(c, WAIT_REQUEST, k->teller.server->options.header_timeout);
}

/* Returns what was lost with it, for the log; NULL: nothing. The connection has just been
 * seized. */
static const char *bury_connection(struct keeper *k, struct conn *c, enum conn_phase phase,
                                   const struct worker_slot *slot, const struct death *d)
{
    struct server *s = k->teller.server;
    switch (phase) {
    case CONN_READ:
        conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "its worker died while reading from it");
        return READING;
    case CONN_RUN:
        keeper_answer(k, c, slot, d);
        return "in the handler";
    case CONN_SEND:
        conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "its worker died in the middle of an answer");
        return "while sending the answer";
    case CONN_CLOSING:
        finish_close(k, c);
        return NULL;
    case CONN_FREE:
    case CONN_IDLE:
    case CONN_HELD:
        break;
    }
    complete_entry(k, c);
    let_go(k, c, NEXT_AGAIN);
    return NULL;
}

/* If the dead worker owned it; a note that arrives meanwhile only means: look again. */
static bool seize_from(struct conn *c, size_t index, enum conn_phase *phase)
{
    for (;;) {
        uint64_t word = conn_word(c);
        if (conn_owner(word) != index + 1)
            return false;
        *phase = conn_phase(word);
        if (conn_seize(c, word, *phase == CONN_CLOSING ? CONN_CLOSING : CONN_HELD))
            return true;
    }
}

/* A worker that died between epoll_wait and its claim took an event along, perhaps of this one. */
static const char *bury_or_nudge(struct keeper *k, struct conn *c, size_t index,
                                 const struct death *d)
{
    struct server *s = k->teller.server;
    enum conn_phase phase;
    if (seize_from(c, index, &phase))
        return bury_connection(k, c, phase, &s->board->slots[index], d);
    conn_nudge(s, c);
    return NULL;
}

static void start_hunt(struct keeper *k);

void keeper_bury(struct keeper *k, size_t slot_index, const struct death *d)
{
    struct server *s = k->teller.server;
    struct worker_slot *slot = &s->board->slots[slot_index];
    struct conn *c = conn_at(&s->table, atomic_load(&slot->conn));
    const char *lost = NULL;
    int highest = conn_table_highest(&s->table);
    if (c)
        lost = bury_or_nudge(k, c, slot_index, d);
    for (int fd = 0; !c && fd <= highest; fd++) {
        const char *what = bury_or_nudge(k, &s->table.slots[fd], slot_index, d);
        lost = what ? what : lost;
    }
    if (atomic_load(&slot->state) == WORKER_ACCEPTING)
        start_hunt(k);
    bool was_reading = lost && strcmp(lost, READING) == 0;
    if (!lost && d->is_overdue)
        lost = "in the handler";
    death_log(s->board, slot, "worker", d, lost, !was_reading);
    atomic_fetch_add(&s->board->deaths, 1);
    atomic_store(&slot->state, WORKER_NONE);
}

/* --- orphans: accepted by a worker that died before it had entered them in the table --- */

union address {
    struct sockaddr any;
    struct sockaddr_in ip; /* its port is at the same place in sockaddr_in6 */
    struct sockaddr_storage room;
};

static socklen_t address_of(int fd, union address *address)
{
    socklen_t size = sizeof *address;
    memset(address, 0, sizeof *address);
    return getsockname(fd, &address->any, &size) == 0 ? size : 0;
}

/* Its own address is a listener's: it was accepted, and is not a socket a handler has opened. */
static bool came_through_a_listener(const struct server *s, int fd)
{
    union address ours, theirs;
    socklen_t size = address_of(fd, &ours);
    for (size_t i = 0; i < s->listeners.count; i++) {
        bool is_same_size = address_of(s->listeners.all[i].fd, &theirs) == size && size > 0;
        if (!is_same_size || ours.any.sa_family != theirs.any.sa_family)
            continue;
        if (ours.any.sa_family == AF_UNIX ? memcmp(&ours, &theirs, size) == 0
                                          : ours.ip.sin_port == theirs.ip.sin_port)
            return true;
    }
    return false;
}

static bool is_orphan(const struct keeper *k, int fd, uint64_t *cookie)
{
    const struct conn *c = conn_at(&k->teller.server->table, fd);
    int listens = 0;
    socklen_t size = sizeof *cookie, int_size = sizeof listens;
    if (!c || (fd < KEEPER_CORE && k->is_core[fd]))
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &size) != 0)
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) != 0 || listens)
        return false;
    if (conn_phase(conn_word(c)) != CONN_FREE && c->cookie == *cookie)
        return false;
    return came_through_a_listener(k->teller.server, fd);
}

/* A descriptor in no slot may be one that a living worker is just about to enter. So suspects are
 * noted now, and looked at again once every worker that is accepting now has finished. */
static void start_hunt(struct keeper *k)
{
    struct server *s = k->teller.server;
    if (k->is_hunting) {
        k->hunt_again = true;
        return;
    }
    int last = conn_table_highest(&s->table) + (int)s->board->slot_count + 64;
    k->orphan_count = 0;
    for (int fd = 3; fd <= last && k->orphan_count < KEEPER_ORPHANS; fd++) {
        struct orphan *o = &k->orphans[k->orphan_count];
        if (is_orphan(k, fd, &o->cookie)) {
            o->fd = fd;
            k->orphan_count++;
        }
    }
    for (size_t i = 0; i < s->board->slot_count; i++) {
        const struct worker_slot *slot = &s->board->slots[i];
        bool is_accepting = atomic_load(&slot->state) == WORKER_ACCEPTING;
        k->turns[i] = is_accepting ? atomic_load(&slot->turns) + 1 : 0;
    }
    k->is_hunting = true;
}

static bool all_have_passed(const struct keeper *k)
{
    const struct scoreboard *board = k->teller.server->board;
    for (size_t i = 0; i < board->slot_count; i++)
        if (k->turns[i] && atomic_load(&board->slots[i].state) == WORKER_ACCEPTING &&
            atomic_load(&board->slots[i].turns) + 1 == k->turns[i])
            return false;
    return true;
}

static void adopt(struct keeper *k, const struct orphan *o)
{
    struct server *s = k->teller.server;
    uint64_t cookie;
    if (!is_orphan(k, o->fd, &cookie) || cookie != o->cookie)
        return;
    struct conn *c = conn_open(&s->table, o->fd, CONN_SUPERVISOR);
    socklen_t size = sizeof c->peer;
    getpeername(o->fd, (struct sockaddr *)&c->peer, &size);
    atomic_fetch_add(&s->board->connections, 1);
    log_line(LOG_DEBUG, "connection %d: adopted, its worker died while accepting it", o->fd);
    conn_wait_for(c, WAIT_REQUEST, s->options.header_timeout);
    conn_hand_on(s, c, CONN_SUPERVISOR);
}

static void go_on_hunting(struct keeper *k)
{
    if (!k->is_hunting || !all_have_passed(k))
        return;
    for (size_t i = 0; i < k->orphan_count; i++)
        adopt(k, &k->orphans[i]);
    k->is_hunting = false;
    if (k->hunt_again || k->orphan_count == KEEPER_ORPHANS) {
        k->hunt_again = false;
        start_hunt(k);
    }
}

/* --- deadlines --- */

static void refuse_late(struct keeper *k, struct conn *c, const char *detail)
{
    struct server *s = k->teller.server;
    c->flags &= CONN_SERVED | CONN_WATCHED;
    access_log_write(&s->access_log,
                     &(struct access_entry){.peer = &c->peer, .status = 408, .id = "-"});
    let_go(k, c, answer_refuse(&k->teller, c, 408, detail, "-"));
}

/* Has the client done its part? Then nobody was free to look, and it is not the one who is late. */
static bool waits_for_us(const struct server *s, const struct conn *c)
{
    int bytes = 0;
    return ioctl(conn_fd(&s->table, c), FIONREAD, &bytes) == 0 && bytes > 0;
}

static void give_time(struct keeper *k, struct conn *c, enum conn_wait wait)
{
    conn_wait_for(c, wait, GRACE);
    conn_hand_on(k->teller.server, c, CONN_SUPERVISOR);
}

static void expire(struct keeper *k, struct conn *c, uint64_t word)
{
    struct server *s = k->teller.server;
    if (!conn_seize(c, word, CONN_HELD))
        return;
    enum conn_wait wait = (enum conn_wait)atomic_load_explicit(&c->wait, memory_order_relaxed);
    bool reads = wait == WAIT_REQUEST || wait == WAIT_HEADER || wait == WAIT_BODY;
    if (reads && waits_for_us(s, c)) {
        give_time(k, c, wait == WAIT_BODY ? WAIT_BODY : WAIT_HEADER);
        return;
    }
    switch (wait) {
    case WAIT_HEADER:
        refuse_late(k, c, "the head took longer than --header-timeout");
        return;
    case WAIT_BODY:
        refuse_late(
            k, c,
            "the body came too slowly: see --body-timeout, --body-rate, --body-total-timeout");
        return;
    case WAIT_WRITE:
        if (conn_has_moved(s, c)) { /* slow, but alive: its window is larger than its pace */
            conn_wait_for_room(s, c);
            conn_hand_on(s, c, CONN_SUPERVISOR);
            return;
        }
        conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "the client takes nothing: --write-timeout");
        return;
    case WAIT_REQUEST:
        conn_finish(s, c, CONN_SUPERVISOR, END_CLOSE, "idle: --idle-timeout");
        return;
    case WAIT_LINGER:
        conn_finish(s, c, CONN_SUPERVISOR, END_CLOSE, "lingered long enough");
        return;
    }
    conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "its slot makes no sense");
}

static void look_at(struct keeper *k, struct conn *c, uint64_t word, int64_t now)
{
    struct server *s = k->teller.server;
    int64_t deadline = atomic_load_explicit(&c->deadline, memory_order_relaxed);
    bool is_late = deadline > 0 && deadline <= now;
    bool is_idle = conn_phase(word) == CONN_IDLE;
    bool must_go =
        k->drain_until && atomic_load_explicit(&c->wait, memory_order_relaxed) == WAIT_REQUEST;
    if (is_idle && (is_late || must_go))
        expire(k, c, word);
    else if (conn_phase(word) == CONN_RUN && is_late && s->overdue)
        s->overdue(s, c, word);
}

static void sweep(struct keeper *k, int64_t now)
{
    struct server *s = k->teller.server;
    int highest = conn_table_highest(&s->table);
    k->open = 0;
    for (int fd = 0; fd <= highest; fd++) {
        struct conn *c = &s->table.slots[fd];
        uint64_t word = conn_word(c);
        if (conn_phase(word) == CONN_FREE)
            continue;
        k->open++;
        look_at(k, c, word, now);
    }
}

/* A worker that dies between opening a connection and counting it leaves the count wrong: the same
 * difference twice is such a one, not one that is just being opened. */
static void correct_count(struct keeper *k)
{
    struct scoreboard *board = k->teller.server->board;
    int drift = atomic_load(&board->connections) - k->open;
    if (drift != 0 && drift == k->drift)
        atomic_fetch_sub(&board->connections, drift);
    k->drift = drift;
}

void keeper_tick(struct keeper *k)
{
    sweep(k, clock_ms());
    go_on_hunting(k);
    if (atomic_load(&k->teller.server->board->deaths) > 0)
        correct_count(k);
}

int keeper_pause(const struct keeper *k)
{
    return k->open > 0 || k->is_hunting || k->drain_until ? TICK_BUSY : TICK_IDLE;
}

/* --- the end --- */

/* Clients whose connection the kernel has already made are still served: what waits in the backlog
 * is accepted first. */
void keeper_drain(struct keeper *k)
{
    struct server *s = k->teller.server;
    if (k->drain_until)
        return;
    atomic_store(&s->board->draining, 1);
    k->drain_until = clock_ms() + s->options.drain_timeout;
    for (size_t i = 0; i < s->listeners.count; i++) {
        struct pollfd backlog = {.fd = s->listeners.all[i].fd, .events = POLLIN};
        for (int tries = 0; tries < 50 && poll(&backlog, 1, 0) > 0; tries++)
            usleep(1000);
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->listeners.all[i].fd, NULL);
    }
    listeners_close(&s->listeners);
    k->open = 1; /* at least, until the next sweep has counted what was just accepted */
}

bool keeper_is_drained(const struct keeper *k)
{
    if (!k->drain_until)
        return false;
    if (k->open == 0)
        return true;
    if (clock_ms() < k->drain_until)
        return false;
    log_line(LOG_WARN, "%d connections were cut off after --drain-timeout", k->open);
    return true;
}
