/*
 * serve.c — epoll_wait → claim → read → parse → run → send → let go.
 *
 * Each worker takes one event at a time, so that one which dies takes no other connection's event
 * along. What it owns is written on the scoreboard before it claims it: the keeper then knows at a
 * glance what a dead worker leaves behind.
 */
#include "serve.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "footprint.h"
#include "http1.h"
#include "intake.h"
#include "lifecycle.h"
#include "model.h"
#include "outbox.h"
#include "stream.h"
#include "wire.h"

enum { TURN_REQUESTS = 64, WATCH_TRIES = 60, LOOK_AT_MEMORY = 8 /* every so many requests */ };
enum { STEP_BACK_TIME = 500, PAUSE = 5000 /* µs */ };
enum { FOOTPRINT_FIRST = 200000, FOOTPRINT_TIME = 5000000 /* µs */ };
enum {
    LISTENER_GENERATION = 0x7fffffff, /* beyond 24 bits */
    ADMIN_GENERATION = 0x7ffffffe,
    TLS_GENERATION = 0x7ffffffd,
    RETIRE_GENERATION = 0x7ffffffc
};

uint64_t serve_listener_tag(int fd, enum listener_kind kind)
{
    static const unsigned generations[] = {[LISTENER_PLAIN] = LISTENER_GENERATION,
                                           [LISTENER_TLS] = TLS_GENERATION,
                                           [LISTENER_ADMIN] = ADMIN_GENERATION};
    return conn_tag(fd, generations[kind]);
}

uint64_t serve_retire_tag(void)
{
    return conn_tag(0, RETIRE_GENERATION);
}

/* --- one request --- */

/* The client's own id is taken, so that a request can be followed through all that serves it, and sent
 * back. */
static void name_request(struct worker *w)
{
    size_t n;
    const char *given = request_header(&w->request, "X-Request-Id", &n);
    struct worker_slot *slot = w->slot;
    slot->serial++;
    if (!given || n > LIMIT_REQUEST_ID || request_id_length(given, n) != n)
        n = 0;
    if (n > 0)
        memcpy(slot->id, given, n);
    slot->id[n] = '\0';
    bool is_given = request_id(w->teller.server->board, slot, w->request.id);
    w->teller.id = is_given ? w->request.id : NULL;
}

/* Before the handler runs, all that an obituary would need stands in shared memory. */
static void announce(struct worker *w, struct conn *c)
{
    const struct request *r = &w->request;
    struct worker_slot *slot = w->slot;
    c->flags = (uint16_t)((c->flags & CONN_KEPT) | (r->keep_alive ? 0 : CONN_LAST) |
                          (r->is_head ? CONN_HEAD : 0) | (r->is_old ? CONN_OLD : 0) |
                          (request_problem_form(r) == PROBLEM_HTML ? CONN_HTML : 0));
    name_request(w);
    _Static_assert((int)SCORE_METHOD == (int)REQUEST_METHOD_SIZE, "copied whole");
    memcpy(slot->method, r->method, sizeof slot->method);
    size_t n = r->target_len < SCORE_TARGET - 1 ? r->target_len : SCORE_TARGET - 1;
    memcpy(slot->target, r->target, n);
    slot->target[n] = '\0';
    if (c->flags & CONN_TRUSTED)
        slot->client = r->client;
    atomic_store_explicit(&slot->route, w->match.index, memory_order_relaxed);
    atomic_store_explicit(&slot->status, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->streamed, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->started, w->now, memory_order_release);
    w->request.deadline = w->now / 1000 + w->teller.server->options.request_timeout;
    conn_wait_until(c, WAIT_REQUEST, w->request.deadline);
}

static void log_access(struct worker *w, int status, uint64_t bytes, int64_t microseconds)
{
    const struct access_log *log = &w->teller.server->access_log;
    if (!log->is_on)
        return;
    struct access_entry entry = {.peer = &w->request.client,
                                 .line = w->request.line,
                                 .line_len = w->request.line_len,
                                 .status = status,
                                 .bytes = bytes,
                                 .microseconds = microseconds,
                                 .id = w->request.id,
                                 .worker = w->teller.me,
                                 .pid = w->pid,
                                 .cpu = w->cpu,
                                 .route = w->match.route ? w->match.route->path : NULL,
                                 .cause = w->cause,
                                 .tls = w->request.is_secure ? &w->facts : NULL};
    entry.referer = request_header(&w->request, "Referer", &entry.referer_len);
    entry.agent = request_header(&w->request, "User-Agent", &entry.agent_len);
    access_log_write(log, &entry);
}

/* The connection was taken away while the handler ran: the client has been answered. */
static enum next disowned(struct worker *w)
{
    w->is_leaving = !model_disowned(w);
    return NEXT_GONE;
}

static void find_route(struct worker *w, bool is_admin)
{
    struct server *s = w->teller.server;
    w->match = router_find(is_admin ? &s->admin : &s->router, w->request.method, w->request.path);
    if (is_admin)
        w->match.index = -1; /* on the board stand the routes of the others */
}

static void refuse_quarantined(struct worker *w, unsigned retry_after)
{
    struct response *r = &w->teller.response;
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", retry_after);
    response_problem(r, request_problem_form(&w->request), 503,
                     "this route has been killing its workers: see --quarantine", w->request.id);
    response_header(r, "Retry-After", seconds);
}

static struct ward *ward_of(const struct worker *w)
{
    return &w->teller.server->board->routes[w->match.index].ward;
}

/* Only where the log tells of it: to ask takes longer than a small handler. */
static int64_t cpu_used(const struct worker *w)
{
    bool is_asked_for = access_log_tells_cpu(&w->teller.server->access_log);
    return is_asked_for ? clock_cpu(CLOCK_THREAD_CPUTIME_ID) : -1;
}

/* Runs the handler, unless its route is in quarantine. In phase RUN the keeper may take the
 * connection away at any moment, so it is not looked at. */
static enum verdict run(struct worker *w, bool is_admin)
{
    unsigned retry_after;
    enum verdict verdict = VERDICT_PASS;
    int64_t before = cpu_used(w);
    w->has_returned = false;
    w->cpu = -1;
    w->cause[0] = '\0';
    atomic_store_explicit(&w->slot->cpu, w->run == run_inline ? before : -1, memory_order_relaxed);
    if (w->teller.server->options.quarantine.deaths > 0 && w->match.index >= 0)
        verdict = quarantine_ask(ward_of(w), w->now / 1000, &retry_after);
    if (verdict == VERDICT_REFUSE)
        refuse_quarantined(w, retry_after);
    else if (is_admin)
        run_inline(w); /* it reads the tables, which a child has not */
    else
        w->run(w);
    if (before >= 0 && w->cpu < 0)
        w->cpu = (cpu_used(w) - before) / 1000;
    return verdict;
}

static enum next finish_request(struct worker *w, struct conn *c)
{
    struct response *response = &w->teller.response;
    int64_t started = w->now;
    bool has_streamed = response->has_begun, is_whole = has_streamed && stream_flush(response, w);
    uint64_t bytes = has_streamed           ? w->streamed
                     : c->flags & CONN_HEAD ? 0
                                            : response_length(response);
    w->now = clock_us();
    log_access(w, response->status, bytes, w->now - started);
    conn_close_body(c);
    atomic_fetch_add_explicit(&w->slot->requests, 1, memory_order_relaxed);
    tally_answer(w->teller.tally, answer_row(c, w->match.index), response->status,
                 w->now - started);
    bool is_quiet = !w->request.keep_alive && w->drained && c->stash_len == 0;
    return has_streamed ? stream_end(w, c, is_whole) : answer_send(&w->teller, c, is_quiet);
}

/* In memory of its own, like the rest of the request: others can write where it came from, and may
 * have, so each text is given its end here. Most of them are short. */
static void copy_text(char *to, const char *from, size_t size)
{
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static void take_facts(struct worker *w, const struct conn *c)
{
    const struct tls_facts *from = conn_facts(&w->teller.server->table, c);
    struct tls_facts *to = &w->facts;
    if (!from)
        return;
    *to =
        (struct tls_facts){.is_resumed = from->is_resumed}; /* nothing of the last one's is left */
    copy_text(to->version, from->version, sizeof to->version);
    copy_text(to->cipher, from->cipher, sizeof to->cipher);
    copy_text(to->server_name, from->server_name, sizeof to->server_name);
    copy_text(to->subject, from->subject, sizeof to->subject);
    request_secure(&w->request, to);
}

static enum next run_request(struct worker *w, struct conn *c)
{
    unsigned me = w->teller.me;
    bool is_admin = c->flags & CONN_ADMIN;
    w->conn = c;
    take_facts(w, c);
    client_find(w, c);
    find_route(w, is_admin);
    announce(w, c);
    if (!conn_step(c, me, CONN_RUN))
        return NEXT_GONE;
    enum verdict verdict = run(w, is_admin);
    atomic_store_explicit(&w->slot->started, 0, memory_order_release); /* no budget runs any more */
    if (!conn_step(c, me, CONN_SEND))
        return disowned(w);
    if (verdict == VERDICT_PROBE && w->has_returned)
        quarantine_well(ward_of(w));
    return finish_request(w, c);
}

static const char *explain(int status)
{
    switch (status) {
    case 413:
        return "the body is larger than --max-body";
    case 414:
        return "the target is longer than --max-uri";
    case 421:
        return "this port speaks plain HTTP: https is for one that speaks TLS";
    case 431:
        return "the head is larger than --max-header, or has more than --max-headers fields";
    case 503:
        return "too many bodies are waiting: see --max-spool";
    default:
        return NULL;
    }
}

/* While a body came in, its bytes have replaced the head's in the worker's buffer. */
static void recover_head(struct worker *w, const struct conn *c)
{
    struct server *s = w->teller.server;
    if (c->head_len == 0)
        return;
    memcpy(w->kept, conn_stash(&s->table, c), c->head_len);
    http1_parse(&s->options, w->kept, c->head_len, &w->request);
}

static const char too_many[] = "too many connections: see --max-connections";

static enum next refuse(struct worker *w, struct conn *c, int status, const char *detail)
{
    recover_head(w, c);
    take_facts(w, c);
    client_find(w, c);
    name_request(w);
    w->match = (struct route_match){0}; /* it has not come so far */
    w->cpu = -1;
    w->cause[0] = '\0';
    c->flags &= CONN_KEPT;
    if (w->request.is_head)
        c->flags |= CONN_HEAD;
    if (request_problem_form(&w->request) == PROBLEM_HTML)
        c->flags |= CONN_HTML;
    log_access(w, status, 0, 0);
    return answer_refuse(&w->teller, c, status, detail, w->request.id);
}

/* What is asked for by https is for those who ask by TLS alone (RFC 9110 §7.4). By TLS, both are served:
 * nothing is demanded of http, and "http://" there is a proxy's way to say what "/" says. */
static bool is_misdirected(const struct worker *w, const struct conn *c)
{
    return w->request.wants_https && !(c->flags & CONN_TLS);
}

/* --- TLS --- */

static enum next refuse_plain(struct worker *w, struct conn *c)
{
    request_reset(&w->request);
    return refuse(w, c, 400, "this port speaks TLS: write https:// instead of http://");
}

/* It has been told why, and must not lose that by a reset: what it still sends is read. */
static enum next end_unshaken(struct worker *w, struct conn *c, const char *why)
{
    int fd = conn_fd(&w->teller.server->table, c);
    log_line(LOG_DEBUG, "connection %d: no TLS: %s", fd, why);
    wire_tls_forget(fd);
    c->flags = (uint16_t)((c->flags & ~(CONN_TLS | CONN_SHAKING)) | CONN_LINGER);
    wire_end(w->teller.server, c, fd);
    conn_wait_for(c, WAIT_LINGER, LIMIT_LINGER_TIME);
    return NEXT_AGAIN;
}

static enum next begin_speaking(struct worker *w, struct conn *c)
{
    struct server *s = w->teller.server;
    bool is_resumed = s->table.facts[conn_fd(&s->table, c)].is_resumed;
    atomic_fetch_add(is_resumed ? &s->tls->resumed : &s->tls->full, 1);
    c->flags &= (uint16_t)~CONN_SHAKING;
    if (atomic_load(&s->board->connections) > (int)s->options.max_connections)
        return answer_refuse(&w->teller, c, 503, too_many, "-");
    return NEXT_AGAIN;
}

static enum next shake(struct worker *w, struct conn *c)
{
    struct server *s = w->teller.server;
    const char *why = "";
    int fd = conn_fd(&s->table, c);
    if (!conn_step(c, w->teller.me, CONN_READ))
        return NEXT_GONE;
    switch (wire_tls_shake(fd, &s->table.facts[fd], &why)) {
    case SHAKE_DONE:
        return begin_speaking(w, c);
    case SHAKE_WAIT:
        return NEXT_WAIT;
    case SHAKE_HTTP:
        wire_tls_forget(fd);
        c->flags &= (uint16_t) ~(CONN_TLS | CONN_SHAKING);
        atomic_fetch_add(&s->tls->failed, 1);
        return refuse_plain(w, c);
    case SHAKE_FAILED:
        break;
    }
    atomic_fetch_add(&s->tls->failed, 1);
    return end_unshaken(w, c, why);
}

/* --- one connection --- */

static enum next look_for_request(struct worker *w, struct conn *c)
{
    int status = 0;
    request_reset(&w->request);
    switch (intake_request(w, c, &status)) {
    case INTAKE_WHOLE:
        return is_misdirected(w, c) ? refuse(w, c, 421, explain(421)) : run_request(w, c);
    case INTAKE_WAIT:
        return NEXT_WAIT;
    case INTAKE_YIELD:
        return NEXT_YIELD;
    case INTAKE_REFUSED:
        return refuse(w, c, status, explain(status));
    case INTAKE_ENDED:
        conn_finish(w->teller.server, c, w->teller.me, END_CLOSE, "the client has ended");
        return NEXT_GONE;
    case INTAKE_TAKEN:
        break;
    }
    return NEXT_GONE;
}

static enum next look(struct worker *w, struct conn *c)
{
    if (!outbox_is_empty(c))
        return answer_continue(&w->teller, c);
    if (c->flags & CONN_LINGER)
        return answer_linger(&w->teller, c);
    if (c->flags & CONN_PROXIED)
        return client_hear_proxy(w, c);
    if (c->flags & CONN_SHAKING)
        return shake(w, c);
    if (c->flags & CONN_MISSPOKEN)
        return refuse_plain(w, c);
    return look_for_request(w, c);
}

/* Should somebody have closed the epoll, it will be back in a moment: see guard.h. */
static bool watch_once(struct worker *w, struct conn *c)
{
    bool is_watched = c->flags & CONN_WATCHED;
    for (int i = 0; !is_watched && i < WATCH_TRIES; i++) {
        is_watched = conn_watch(w->teller.server, c, false);
        if (!is_watched && errno != EBADF && errno != EINVAL)
            return false;
        if (!is_watched)
            usleep(PAUSE);
    }
    return is_watched;
}

/* Before a first look, and before another. */
static void refresh(struct worker *w, const struct conn *c, bool is_wary)
{
    w->drained = false;
    w->is_wary = is_wary;
    wire_refresh(c, conn_fd(&w->teller.server->table, c), is_wary);
}

/* Monotonic ms: until then the client may take nothing of what TLS has to write before it can read on.
 * 0: nothing of that kind was waited for, or the client has taken something since. */
static int64_t room_deadline(const struct worker *w, struct conn *c)
{
    bool has_waited = c->flags & CONN_TLS && outbox_is_empty(c) &&
                      atomic_load_explicit(&c->wait, memory_order_relaxed) == WAIT_WRITE;
    if (!has_waited || conn_has_moved(w->teller.server, c))
        return 0;
    return atomic_load_explicit(&c->deadline, memory_order_relaxed);
}

/* TLS may have to write before it can read on: then it is the client's turn to take, and it has as
 * long as for an answer. As there (answer.c), room is asked for once, since each time makes an event
 * at once where the client has sent more. */
static bool watch_for_room(struct worker *w, struct conn *c, int64_t until)
{
    struct server *s = w->teller.server;
    if (!(c->flags & CONN_TLS) || !outbox_is_empty(c))
        return true;
    if (!wire_tls_wants_room(conn_fd(&s->table, c))) {
        c->flags &= (uint16_t)~CONN_ROOM;
        return true;
    }
    if (!(c->flags & (CONN_SHAKING | CONN_LINGER))) { /* these have an end in any case */
        if (until > 0)
            conn_wait_until(c, WAIT_WRITE, until);
        else
            conn_wait_for_room(s, c);
    }
    if (c->flags & CONN_ROOM)
        return true;
    c->flags |= CONN_ROOM;
    return conn_watch(s, c, true);
}

/* Nobody owns it afterwards, but an event will come: others first. */
static void yield(struct worker *w, struct conn *c)
{
    bool may_hold_bytes = c->flags & CONN_TLS && wire_tls_in_place; /* of a body that has arrived */
    if (outbox_is_empty(c) && !(c->flags & CONN_LINGER) && (c->head_len == 0 || may_hold_bytes))
        conn_wait_for_us(c);
    conn_hand_on(w->teller.server, c, w->teller.me);
}

/* Works on a connection it owns until there is nothing to do, then lets go of it. */
static void take_turn(struct worker *w, struct conn *c, bool is_wary)
{
    unsigned me = w->teller.me;
    int64_t room_until = room_deadline(w, c);
    refresh(w, c, is_wary);
    for (int i = 0;; i++) {
        enum next next = look(w, c);
        if (next == NEXT_GONE)
            return;
        if (next == NEXT_AGAIN && i < TURN_REQUESTS)
            continue;
        if (!watch_once(w, c) || (next == NEXT_WAIT && !watch_for_room(w, c, room_until))) {
            conn_finish(w->teller.server, c, me, END_RESET, "epoll does not take it");
            return;
        }
        if (next == NEXT_WAIT) {
            if (conn_release(c, me))
                return;
            refresh(w, c, true); /* a note: look again, for bytes and for an end */
            continue;
        }
        yield(w, c);
        return;
    }
}

/* --- one event --- */

/* Written before the connection is claimed and after it was let go, in the order of the program:
 * nobody else acts on it before this worker has died. */
static void be(struct worker *w, int fd, enum worker_state state)
{
    atomic_store_explicit(&w->slot->conn, fd, memory_order_release);
    atomic_store_explicit(&w->slot->state, state, memory_order_release);
}

/* Errors of a descriptor that is closed, or another one: the keeper puts it back (guard.h). */
static bool is_missing(void)
{
    return errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP;
}

static void turn_away(struct worker *w, struct conn *c)
{
    w->drained = true;
    enum next next = answer_refuse(&w->teller, c, 503, too_many, "-");
    if (next != NEXT_GONE)
        take_turn(w, c, false);
}

static int accept_plain(int listener, struct arrival *a)
{
    socklen_t size = sizeof a->peer;
    return accept4(listener, (struct sockaddr *)&a->peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* What is known of it from the beginning. False: it cannot be served. */
static bool enter(struct server *s, struct conn *c, int fd, const struct arrival *a)
{
    c->peer = a->peer;
    c->flags |= a->flags;
    c->seat = a->seat;
    c->serial = a->serial;
    client_meet(s, c);
    if (a->flags & CONN_SHAKING) {
        conn_wait_for(c, WAIT_SHAKE, s->options.tls_handshake_timeout);
        return wire_tls_begin(s, fd);
    }
    if (a->flags & CONN_TLS)
        s->table.facts[fd] = a->facts;
    return true;
}

/* One that shakes hands is told afterwards; but there is an end to that, too. */
static bool is_one_too_many(const struct server *s, const struct conn *c, int open)
{
    return open > (c->flags & CONN_SHAKING ? s->most_unshaken : (int)s->options.max_connections);
}

static void accept_one(struct worker *w, int listener, enum listener_kind kind)
{
    struct server *s = w->teller.server;
    struct arrival a = {.flags = kind == LISTENER_ADMIN ? CONN_ADMIN : 0};
    be(w, -1, WORKER_ACCEPTING);
    int fd = kind == LISTENER_TLS ? wire_tls_accept(listener, &a) : accept_plain(listener, &a);
    if (fd < 0) {
        bool is_short = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (is_short || is_missing())
            usleep(PAUSE); /* the listener stays readable: do not spin on it */
        return;
    }
    struct conn *c = conn_open(&s->table, fd, w->teller.me);
    if (!c) {
        close(fd); /* cannot be: the limit on descriptors is the table's size */
        return;
    }
    be(w, fd, WORKER_TURN);
    int open = atomic_fetch_add(&s->board->connections, 1) + 1;
    bool is_in = enter(s, c, fd, &a), is_too_much = is_one_too_many(s, c, open);
    if (!is_in || (is_too_much && c->flags & CONN_SHAKING))
        conn_finish(s, c, w->teller.me, END_RESET, is_in ? too_many : "no memory for TLS");
    else if (is_too_much)
        turn_away(w, c);
    else
        take_turn(w, c, false);
}

bool serve_let_in(struct server *s, int listener, enum listener_kind kind)
{
    struct arrival a = {0};
    if (atomic_load(&s->board->connections) >= (int)s->options.max_connections)
        return false;
    int fd = kind == LISTENER_TLS ? wire_tls_accept(listener, &a) : accept_plain(listener, &a);
    struct conn *c = fd < 0 ? NULL : conn_open(&s->table, fd, CONN_SUPERVISOR);
    if (!c) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    atomic_fetch_add(&s->board->connections, 1);
    conn_wait_for(c, WAIT_REQUEST, s->options.header_timeout);
    if (enter(s, c, fd, &a))
        conn_hand_on(s, c, CONN_SUPERVISOR);
    else
        conn_finish(s, c, CONN_SUPERVISOR, END_RESET, "no memory for TLS");
    return true;
}

/* An end of the client that has come together with its bytes makes no event of its own. */
static void take_event(struct worker *w, uint64_t tag, uint32_t events)
{
    int fd = conn_tag_fd(tag);
    unsigned generation = conn_tag_generation(tag);
    if (generation >= TLS_GENERATION) {
        accept_one(w, fd,
                   generation == ADMIN_GENERATION ? LISTENER_ADMIN
                   : generation == TLS_GENERATION ? LISTENER_TLS
                                                  : LISTENER_PLAIN);
        return;
    }
    struct conn *c = conn_at(&w->teller.server->table, fd);
    if (!c)
        return;
    be(w, fd, WORKER_TURN);
    if (!conn_claim(c, generation, w->teller.me))
        return;
    if (conn_bears_seal(c))
        take_turn(w, c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    else
        conn_condemn(w->teller.server, c, w->teller.me);
}

/* Memory that a handler has not given back is the worker's until its end. */
static bool has_grown(const struct worker *w, uint64_t requests)
{
    return w->data_limit > 0 && requests % LOOK_AT_MEMORY == 0 && footprint_data() > w->data_limit;
}

static bool is_to_leave(const struct worker *w)
{
    uint64_t requests = atomic_load_explicit(&w->slot->requests, memory_order_relaxed);
    return atomic_load_explicit(&w->slot->must_leave, memory_order_relaxed) ||
           (w->limit > 0 && requests >= w->limit) || has_grown(w, requests);
}

/*
 * With more busy workers than CPUs the scheduler takes the CPU from one after the other, mostly in
 * the middle of a request, which then waits for the time slices of all others: 30 ms at the 99.9th
 * percentile with eight workers on one CPU. A worker that steps back by itself, here, where it owns
 * nothing, makes nobody wait.
 */
static void step_back(struct worker *w)
{
    if (w->now - w->stepped_back < STEP_BACK_TIME)
        return;
    sched_yield();
    w->stepped_back = clock_us();
}

/* What it has told stands in its slot, too: when it dies, the rest is counted by whoever reaps it. */
static void tell_faults(struct worker *w)
{
    struct rusage usage;
    if (getrusage(model_isolates ? RUSAGE_SELF : RUSAGE_THREAD, &usage) != 0)
        return;
    uint64_t told = atomic_load_explicit(&w->slot->faults, memory_order_relaxed);
    if ((uint64_t)usage.ru_minflt <= told)
        return;
    count_alone(&w->teller.tally->faults, (uint64_t)usage.ru_minflt - told);
    atomic_store_explicit(&w->slot->faults, (uint64_t)usage.ru_minflt, memory_order_relaxed);
}

/* Threads need not tell of memory: whoever of them is asked can read it for all. */
static void tell_footprint(struct worker *w)
{
    if (!w->teller.server->options.admin || w->now - w->told < FOOTPRINT_TIME)
        return;
    w->told = w->now;
    tell_faults(w);
    if (model_isolates)
        atomic_store_explicit(&w->slot->pss, footprint_pss(), memory_order_relaxed);
}

bool serve_once(struct worker *w, int timeout)
{
    step_back(w);
    struct epoll_event event;
    int n = epoll_pwait(w->teller.server->epoll, &event, 1, timeout, &w->wakeable);
    if (n < 0 && is_missing()) {
        usleep(PAUSE);
        return true;
    }
    if (n < 0 && errno != EINTR) {
        log_line(LOG_ERROR, "epoll_wait: %s", strerror(errno));
        return false;
    }
    if (n == 1 && event.data.u64 == serve_retire_tag())
        return false;
    w->now = clock_us();
    if (n == 1) {
        w->roused = w->now;
        take_event(w, event.data.u64, event.events);
    }
    if (w->is_leaving)
        return false; /* its slot still says that it was lost */
    be(w, -1, WORKER_WAITING);
    atomic_fetch_add(&w->slot->turns, 1);
    tell_footprint(w);
    return !is_to_leave(w);
}

/* ms for which it waits: one that has not told what it holds since it last did something does so when
 * nothing comes. Then it sleeps. */
static int nap(const struct worker *w)
{
    if (!w->teller.server->options.admin || w->told > w->roused)
        return -1;
    return (w->told == 0 ? FOOTPRINT_FIRST : FOOTPRINT_TIME) / 1000;
}

void serve(struct worker *w)
{
    while (serve_once(w, nap(w)))
        ;
    if (w->teller.server->options.admin)
        tell_faults(w);
}
