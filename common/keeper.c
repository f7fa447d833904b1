/*
 * keeper.c — what the phase of a dead worker's connection says (conn.h) is done here.
 */
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attendants.h"
#include "client.h"
#include "lifecycle.h"
#include "model.h"
#include "outbox.h"
#include "wire.h"

static const char READING[] = "while reading a request";

enum { TICK_BUSY = 20, TICK_IDLE = 200, LOOK_PAUSE = 10, GRACE = 1000 /* ms */ };

bool keeper_open(struct keeper *k, struct server *s)
{
    *k = (struct keeper){0};
    teller_open(&k->teller, s, CONN_SUPERVISOR);
    k->runs = calloc(s->slots, sizeof *k->runs);
    if (!k->runs || !guard_open(&k->guard, s, &k->sweep) || !sweep_open(&k->sweep, s)) {
        keeper_close(k);
        return false;
    }
    attendants_guard(&k->guard);
    return true;
}

void keeper_learn_modules(struct keeper *k)
{
    sweep_learn_core(&k->sweep);
    guard_keep_modules(&k->guard);
}

/* Was `fd` closed before its owner died? Then the number may be another's already. */
static bool is_same_socket(const struct conn *c, int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 && cookie == c->cookie;
}

/* Slots whose socket is gone would claim what gets its number next. No worker lives: what is IDLE is
 * all there is. */
static void forget_lost(struct keeper *k)
{
    struct conn_table *t = &k->teller.server->table;
    for (int fd = 0; fd <= k->highest; fd++) {
        struct conn *c = &t->slots[fd];
        uint64_t word = conn_word(c);
        if (conn_phase(word) == CONN_IDLE && !is_same_socket(c, fd) &&
            conn_seize(c, word, CONN_HELD))
            conn_forget(k->teller.server, c, CONN_SUPERVISOR, "something has closed its socket");
    }
}

void keeper_forget_modules(struct keeper *k)
{
    forget_lost(k);
    guard_forget_modules(&k->guard);
    guard_tick(&k->guard); /* so that no module is given a number that is wanted back */
    sweep_now(&k->sweep);
}

void keeper_close(struct keeper *k)
{
    teller_close(&k->teller);
    guard_close(&k->guard);
    sweep_close(&k->sweep);
    free(k->runs);
}

/* --- answering in a worker's place --- */

/* µs of CPU time that the request had used; -1: not known. */
static int64_t cpu_of(const struct worker_slot *slot, size_t index, const struct death *d)
{
    int64_t before = atomic_load(&slot->cpu), now = model_cpu(index);
    const struct timeval user = d->usage.ru_utime, system = d->usage.ru_stime;
    if (now < 0) /* it is dead */
        now = (user.tv_sec + system.tv_sec) * 1000000000 + (user.tv_usec + system.tv_usec) * 1000;
    return before >= 0 && now >= before ? (now - before) / 1000 : -1;
}

/* A copy: what stands on the board may have no end. "": none is known. */
static void route_of(const struct scoreboard *b, const struct worker_slot *slot,
                     char out[ROUTE_NAME])
{
    int index = atomic_load(&slot->route);
    out[0] = '\0';
    if (index >= 0 && index < LIMIT_ROUTES)
        snprintf(out, ROUTE_NAME, "%.*s", ROUTE_NAME - 1, b->routes[index].path);
}

static void log_lost_request(struct keeper *k, const struct conn *c, const struct worker_slot *slot,
                             int status, uint64_t bytes, const struct death *d)
{
    struct server *s = k->teller.server;
    char id[REQUEST_ID_SIZE], route[ROUTE_NAME], cause[DEATH_CAUSE_SIZE];
    char line[SCORE_METHOD + SCORE_TARGET + 16];
    int n = snprintf(line, sizeof line, "%.*s %.*s HTTP/1.%d", SCORE_METHOD - 1, slot->method,
                     SCORE_TARGET - 1, slot->target, c->flags & CONN_OLD ? 0 : 1);
    int64_t started = atomic_load(&slot->started);
    size_t index = (size_t)(slot - s->board->slots);
    request_id(s->board, slot, id);
    route_of(s->board, slot, route);
    access_log_write(&s->access_log, &(struct access_entry){
                                         .peer = c->flags & CONN_TRUSTED ? &slot->client : &c->peer,
                                         .line = line,
                                         .line_len = (size_t)n,
                                         .status = status,
                                         .bytes = bytes,
                                         .microseconds = started ? clock_us() - started : 0,
                                         .id = id,
                                         .worker = (unsigned)index + 1,
                                         .pid = atomic_load(&slot->pid),
                                         .cpu = cpu_of(slot, index, d),
                                         .route = route,
                                         .tls = conn_facts(&s->table, c),
                                         .cause = death_cause(d, cause),
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

/* For the figures, and for --quarantine. */
static void count_death(struct keeper *k, const struct worker_slot *slot, const struct death *d)
{
    struct server *s = k->teller.server;
    death_count(s->board, slot, d, &s->options.quarantine);
}

/* µs that its handler has run, as far as the slot can be believed: no longer than it may. */
static int64_t time_of(const struct server *s, const struct worker_slot *slot)
{
    int64_t started = atomic_load(&slot->started), took = clock_us() - started;
    bool is_sound = started > 0 && took >= 0 && took / 1000 <= 2 * s->options.request_timeout;
    return is_sound ? took : 0;
}

static void answer_for(struct keeper *k, struct conn *c, const struct worker_slot *slot,
                       const struct death *d)
{
    struct server *s = k->teller.server;
    int status = death_status(d);
    char id[REQUEST_ID_SIZE], detail[2 * DEATH_CAUSE_SIZE];
    k->teller.id = request_id(s->board, slot, id) ? id : NULL;
    response_problem(&k->teller.response, conn_problem_form(c), status, death_detail(d, detail),
                     id);
    if (status == 503)
        response_header(&k->teller.response, "Retry-After", "1");
    count_death(k, slot, d);
    conn_close_body(c);
    tally_answer(k->teller.tally, answer_row(c, atomic_load(&slot->route)), status,
                 time_of(s, slot));
    log_lost_request(k, c, slot, status, k->teller.response.body.len, d);
    if (conn_step(c, CONN_SUPERVISOR, CONN_SEND))
        let_go(k, c, answer_send(&k->teller, c, false));
    k->teller.id = NULL;
}

/* --- the dead --- */

/* Nobody of ours closes a connection's socket and keeps the slot: a handler has closed a number that
 * was not its own. Who has it now knows nothing of this connection. */
static bool is_lost(struct keeper *k, struct conn *c)
{
    struct server *s = k->teller.server;
    if (is_same_socket(c, conn_fd(&s->table, c)))
        return false;
    conn_forget(s, c, CONN_SUPERVISOR, "something has closed its socket");
    sweep_ask(&k->sweep);
    return true;
}

static void finish_close(struct keeper *k, struct conn *c)
{
    struct server *s = k->teller.server;
    int fd = conn_fd(&s->table, c);
    if (is_same_socket(c, fd))
        conn_finish(s, c, CONN_SUPERVISOR, conn_promised_end(fd),
                    "its worker died while closing it");
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
    client_meet(k->teller.server, c);
    conn_wait_for(c, WAIT_REQUEST, k->teller.server->options.header_timeout);
}

/* It came from a gate, and what the gate has said of it the dead has taken along. */
static bool is_unknown(struct keeper *k, const struct conn *c)
{
    const struct server *s = k->teller.server;
    return s->handover >= 0 && !(c->flags & CONN_TLS) &&
           wire_tls_accepted(s, conn_fd(&s->table, c));
}

/* What the client has seen of it, as far as the dead has told. */
static void tell_of_stream(struct keeper *k, const struct conn *c, const struct worker_slot *slot,
                           const struct death *d)
{
    int status = atomic_load(&slot->status);
    count_death(k, slot, d);
    log_lost_request(k, c, slot, status >= 200 && status <= 599 ? status : 200,
                     atomic_load(&slot->streamed), d);
}

bool keeper_seize(struct conn *c, uint64_t word)
{
    return conn_seize(c, word, conn_phase(word) == CONN_SEND ? CONN_CLOSING : CONN_HELD);
}

void keeper_end_seized(struct keeper *k, struct conn *c, uint64_t word,
                       const struct worker_slot *slot, const struct death *d)
{
    if (conn_phase(word) != CONN_SEND) {
        answer_for(k, c, slot, d);
        return;
    }
    tell_of_stream(k, c, slot, d);
    conn_cast_off(k->teller.server, c, CONN_SUPERVISOR);
}

/* Its handler may still have been running: a stream. */
static const char *bury_half_sent(struct keeper *k, struct conn *c, const struct worker_slot *slot,
                                  const struct death *d)
{
    bool was_streaming = atomic_load(&slot->started) != 0;
    if (was_streaming)
        tell_of_stream(k, c, slot, d);
    conn_finish(k->teller.server, c, CONN_SUPERVISOR, END_RESET,
                "its worker died in the middle of an answer");
    return was_streaming ? "in the handler, half of its answer sent" : "while sending the answer";
}

/* Returns what was lost with it, for the log; NULL: nothing. The connection has just been
 * seized. */
static const char *bury_connection(struct keeper *k, struct conn *c, enum conn_phase phase,
                                   const struct worker_slot *slot, const struct death *d)
{
    struct server *s = k->teller.server;
    if (phase != CONN_CLOSING && c->cookie != 0 && is_lost(k, c))
        return NULL;
    switch (phase) {
    case CONN_READ:
        conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "its worker died while reading from it");
        return READING;
    case CONN_RUN:
        answer_for(k, c, slot, d);
        return "in the handler";
    case CONN_SEND:
        return bury_half_sent(k, c, slot, d);
    case CONN_CLOSING:
        finish_close(k, c);
        return NULL;
    case CONN_FREE:
    case CONN_IDLE:
    case CONN_HELD:
        break;
    }
    if (is_unknown(k, c)) {
        conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "its worker died while accepting it");
        return "while accepting it";
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
    sweep_ask(&k->sweep);
    bool was_reading = lost && strcmp(lost, READING) == 0;
    if (!lost && d->over != BUDGET_NONE)
        lost = "in the handler";
    death_log(s->board, slot, "worker", d, lost, !was_reading);
    atomic_fetch_add(&s->board->deaths, 1);
    atomic_store(&slot->state, WORKER_NONE);
}

/* --- slots that something has written into --- */

/* Between two ticks the keeper owns none, and a worker at rest owns none. */
static bool makes_sense(const struct server *s, const struct conn *c, uint64_t word)
{
    unsigned owner = conn_owner(word);
    switch (conn_phase(word)) {
    case CONN_FREE:
    case CONN_IDLE:
        return owner == CONN_NOBODY;
    case CONN_HELD:
    case CONN_READ:
    case CONN_RUN:
    case CONN_SEND:
    case CONN_CLOSING:
        return owner > 0 && owner <= s->slots &&
               !(worker_is_at_rest(&s->board->slots[owner - 1]) && conn_word(c) == word);
    }
    return false;
}

static void condemn(struct keeper *k, struct conn *c, uint64_t word)
{
    if (conn_seize(c, word, CONN_CLOSING))
        conn_condemn(k->teller.server, c, CONN_SUPERVISOR);
}

/* --- deadlines --- */

static void refuse_late(struct keeper *k, struct conn *c, const char *detail)
{
    struct server *s = k->teller.server;
    c->flags &= CONN_KEPT;
    access_log_write(&s->access_log, &(struct access_entry){.peer = &c->peer,
                                                            .status = 408,
                                                            .id = "-",
                                                            .cpu = -1,
                                                            .tls = conn_facts(&s->table, c)});
    let_go(k, c, answer_refuse(&k->teller, c, 408, detail, "-"));
}

/* Has the client done its part? Then nobody was free to look, and it is not the one who is late. But
 * where TLS cannot read on before the client takes something, its part is not what it has sent. */
static bool waits_for_us(const struct server *s, const struct conn *c)
{
    int bytes = 0, fd = conn_fd(&s->table, c);
    if (c->flags & CONN_TLS && wire_tls_wants_room(fd))
        return false;
    return ioctl(fd, FIONREAD, &bytes) == 0 &&
           bytes > (c->flags & CONN_PROXIED ? c->queued : 0); /* a header is left where it is */
}

static void give_time(struct keeper *k, struct conn *c, enum conn_wait wait)
{
    conn_wait_for(c, wait == WAIT_REQUEST ? WAIT_HEADER : wait, GRACE);
    conn_hand_on(k->teller.server, c, CONN_SUPERVISOR);
}

static void expire(struct keeper *k, struct conn *c, uint64_t word)
{
    struct server *s = k->teller.server;
    if (!conn_seize(c, word, CONN_HELD))
        return;
    if (!conn_bears_seal(c)) {
        conn_condemn(s, c, CONN_SUPERVISOR);
        return;
    }
    if (is_lost(k, c))
        return;
    enum conn_wait wait = (enum conn_wait)atomic_load_explicit(&c->wait, memory_order_relaxed);
    bool reads =
        wait == WAIT_REQUEST || wait == WAIT_HEADER || wait == WAIT_BODY || wait == WAIT_SHAKE;
    if (reads && waits_for_us(s, c)) {
        give_time(k, c, wait);
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
    case WAIT_SHAKE:
        atomic_fetch_add(&s->tls->failed, 1);
        conn_finish(s, c, CONN_SUPERVISOR, END_CLOSE, "--tls-handshake-timeout");
        return;
    case WAIT_LINGER:
        conn_finish(s, c, CONN_SUPERVISOR, END_CLOSE, "lingered long enough");
        return;
    }
    conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "its slot makes no sense");
}

/* --- budgets of the request that runs --- */

/* NULL: none runs. Slot and board must agree on who works on what: one of them may be scribbled. */
static struct run *run_of(struct keeper *k, const struct conn *c, uint64_t word)
{
    size_t index = conn_owner(word) - 1;
    struct server *s = k->teller.server;
    if (index >= s->slots)
        return NULL;
    struct worker_slot *slot = &s->board->slots[index];
    int64_t started = atomic_load(&slot->started);
    if (started == 0 || atomic_load(&slot->conn) != conn_fd(&s->table, c))
        return NULL;
    struct run *run = &k->runs[index];
    if (run->started != started)
        *run = (struct run){.started = started, .cpu = model_cpu(index)};
    return run;
}

static bool has_spent_its_cpu(const struct keeper *k, const struct run *run, size_t index)
{
    int64_t budget = k->teller.server->options.worker_cpu * 1000000, now;
    if (budget == 0 || run->cpu < 0)
        return false;
    now = model_cpu(index);
    return now - run->cpu > budget;
}

/* Nine tenths of its time are over. */
static bool is_nearly_late(const struct keeper *k, int64_t deadline, int64_t now)
{
    return now >= deadline - k->teller.server->options.request_timeout / 10;
}

static void look_at_run(struct keeper *k, struct conn *c, uint64_t word, int64_t deadline,
                        int64_t now)
{
    struct server *s = k->teller.server;
    struct run *run = run_of(k, c, word);
    if (!run || deadline == 0)
        return;
    if (deadline <= now) {
        s->overdue(s, c, word, BUDGET_TIME);
    } else if (has_spent_its_cpu(k, run, conn_owner(word) - 1)) {
        s->overdue(s, c, word, BUDGET_CPU);
    } else if (!run->is_told && is_nearly_late(k, deadline, now)) {
        run->is_told = true;
        model_tell(conn_owner(word) - 1);
    }
}

/* Its owner may be changing it: what we read is what was there a moment ago, or will be. */
__attribute__((no_sanitize("thread"))) static uint16_t flags_of(const struct conn *c)
{
    return *(const volatile uint16_t *)&c->flags;
}

/* Monotonic ms: since when it has been waiting for a request that would be answered with Connection:
 * close. One that was let in during the drain has been told nothing yet. */
static int64_t idle_since(const struct keeper *k, const struct conn *c, int64_t deadline)
{
    const struct options *o = &k->teller.server->options;
    int64_t since = deadline - (flags_of(c) & CONN_SERVED ? o->idle_timeout : o->header_timeout);
    return since > k->left_at ? since : k->left_at;
}

static void look_at(struct keeper *k, struct conn *c, uint64_t word, int64_t now)
{
    int64_t deadline = atomic_load_explicit(&c->deadline, memory_order_relaxed);
    bool is_late = deadline > 0 && deadline <= now;
    enum conn_phase phase = conn_phase(word);
    bool must_go = k->left_at && now >= idle_since(k, c, deadline) + LIMIT_DRAIN_IDLE_TIME &&
                   atomic_load_explicit(&c->wait, memory_order_relaxed) == WAIT_REQUEST;
    if (phase == CONN_IDLE && (is_late || must_go))
        expire(k, c, word);
    else if ((phase == CONN_RUN || phase == CONN_SEND) && k->teller.server->overdue)
        look_at_run(k, c, word, deadline, now);
}

/* Likewise. */
__attribute__((no_sanitize("thread"))) static uint64_t spool_of(const struct conn *c)
{
    return *(const volatile uint64_t *)&c->spooled;
}

static void count_one(struct keeper *k, const struct conn *c)
{
    uint16_t flags = flags_of(c);
    k->open++;
    k->open_by_tls += (flags & (CONN_TLS | CONN_SHAKING)) == CONN_TLS; /* shaken hands */
    k->open_by_admin += (flags & CONN_ADMIN) != 0;
    k->spooled += spool_of(c);
}

static void look_at_all(struct keeper *k, int64_t now)
{
    struct server *s = k->teller.server;
    int highest = conn_table_highest(&s->table);
    k->highest = highest > k->highest ? highest : k->highest;
    k->open = k->open_by_tls = k->open_by_admin = 0;
    census_begin(&k->census);
    k->spooled = 0;
    for (int fd = 0; fd <= k->highest; fd++) {
        struct conn *c = &s->table.slots[fd];
        uint64_t word = conn_word(c);
        if (word == 0)
            continue;
        if (!makes_sense(s, c, word)) {
            condemn(k, c, word);
            continue;
        }
        if (conn_phase(word) == CONN_FREE)
            continue;
        count_one(k, c);
        census_add(&k->census, c, word);
        look_at(k, c, word, now);
    }
}

/* --- what stands on the board --- */

/* A worker that dies between opening a connection and counting it leaves the count wrong, and so
 * does whoever writes what is not its own. The same difference twice, while nothing moved, is such
 * a one, not one that is just being opened. Returns what the board says too much. */
static int64_t excess(int64_t *off, int64_t before, int64_t after, int64_t counted)
{
    if (before != after)
        return 0;
    bool is_twice = after - counted == *off;
    *off = after - counted;
    return is_twice ? *off : 0;
}

/* What the keeper itself has decided stands there for the workers: nothing of it is believed. */
static void tell_again(struct keeper *k)
{
    struct scoreboard *board = k->teller.server->board;
    int draining = (int)k->drain;
    if (atomic_load(&board->draining) != draining)
        atomic_store(&board->draining, draining);
    uint64_t unsound = atomic_load(&board->unsound);
    if (unsound != k->unsound)
        sweep_ask(&k->sweep);
    k->unsound = unsound;
}

static void count(struct keeper *k, int64_t now)
{
    struct scoreboard *board = k->teller.server->board;
    int open = atomic_load(&board->connections);
    uint64_t spooled = atomic_load(&board->spooled);
    look_at_all(k, now);
    if (k->teller.server->tls)
        atomic_store(&k->teller.server->tls->connections, (uint64_t)k->open_by_tls);
    int64_t much = excess(&k->connections_off, open, atomic_load(&board->connections), k->open);
    if (much != 0)
        atomic_fetch_sub(&board->connections, (int)much);
    much = excess(&k->spooled_off, (int64_t)spooled, (int64_t)atomic_load(&board->spooled),
                  (int64_t)k->spooled);
    if (much != 0)
        atomic_fetch_sub(&board->spooled, (uint64_t)much);
}

/* However often it is called, and deaths by the hundred call it: the table is looked through at
 * most a hundred times a second. */
void keeper_tick(struct keeper *k)
{
    int64_t now = clock_ms();
    sweep_tick(&k->sweep);
    if (now - k->looked_at < LOOK_PAUSE)
        return;
    k->looked_at = now;
    atomic_fetch_add(&k->teller.server->board->beat, 1);
    guard_tick(&k->guard);
    count(k, now);
    census_tell(&k->census, k->teller.server, now);
    tell_again(k);
}

int keeper_pause(const struct keeper *k)
{
    bool is_busy = k->open > 0 || k->drain_until || sweep_is_busy(&k->sweep);
    return is_busy ? TICK_BUSY : TICK_IDLE;
}

/* --- the end --- */

/* What workers do not watch is not found, which is no matter. */
static void forget_listeners(const struct server *s, bool is_all)
{
    for (size_t i = 0; i < s->listeners.count; i++)
        if (is_all || s->listeners.all[i].kind != LISTENER_ADMIN)
            epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->listeners.all[i].fd, NULL);
}

static void close_listeners(struct keeper *k, bool is_all)
{
    struct server *s = k->teller.server;
    forget_listeners(s, is_all);
    guard_release_listeners(&k->guard);
    if (is_all)
        listeners_close(&s->listeners);
    else
        listeners_close_public(&s->listeners);
    guard_keep_listeners(&k->guard);
}

/* Answers that are built from now on say so; then nobody is let in who would not be told. */
static void leave(struct keeper *k, bool is_replaced)
{
    struct server *s = k->teller.server;
    k->left_at = clock_ms();
    if (is_replaced) {
        drain_disown(s);
    } else {
        drain_shut_out(s);
        drain_let_in(s);
    }
    close_listeners(k, is_replaced);
    k->open = 1; /* at least, until the next look has counted those who have just been let in */
    k->open_by_admin = 0;
}

void keeper_drain(struct keeper *k, enum drain_order order)
{
    struct server *s = k->teller.server;
    if (order <= k->drain)
        return;
    if (k->drain == DRAIN_NOT)
        k->drain_until = clock_ms() + s->options.drain_timeout;
    k->drain = order;
    atomic_store(&s->board->draining, order);
    if (order >= DRAIN_LEAVE && k->left_at == 0)
        leave(k, order == DRAIN_REPLACED);
}

/* One that is being accepted has no slot yet. */
static bool is_accepting(const struct server *s)
{
    for (size_t i = 0; i < s->slots; i++)
        if (atomic_load(&s->board->slots[i].state) == WORKER_ACCEPTING)
            return true;
    return false;
}

bool keeper_is_drained(const struct keeper *k)
{
    int left = k->open - k->open_by_admin;
    if (k->left_at == 0)
        return false;
    if (left <= 0 && !is_accepting(k->teller.server))
        return true;
    if (clock_ms() < k->drain_until)
        return false;
    log_line(LOG_WARN, "%d connections were cut off after --drain-timeout", left);
    return true;
}
