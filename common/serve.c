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
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "footprint.h"
#include "http1.h"
#include "intake.h"
#include "lifecycle.h"
#include "model.h"
#include "outbox.h"

enum { TURN_REQUESTS = 64 };
enum { STEP_BACK_TIME = 500, OUT_OF_DESCRIPTORS_PAUSE = 5000, FOOTPRINT_TIME = 5000000 /* µs */ };
enum { LISTENER_GENERATION = 0x7fffffff, RETIRE_GENERATION = 0x7ffffffe }; /* beyond 24 bits */

uint64_t serve_listener_tag(int fd)
{
    return conn_tag(fd, LISTENER_GENERATION);
}

uint64_t serve_retire_tag(void)
{
    return conn_tag(0, RETIRE_GENERATION);
}

/* --- one request --- */

/* Before the handler runs, all that an obituary would need stands in shared memory. */
static void announce(struct worker *w, struct conn *c)
{
    const struct request *r = &w->request;
    struct worker_slot *slot = w->slot;
    c->flags =
        (uint8_t)((c->flags & (CONN_SERVED | CONN_WATCHED)) | (r->keep_alive ? 0 : CONN_LAST) |
                  (r->is_head ? CONN_HEAD : 0) | (r->is_old ? CONN_OLD : 0) |
                  (request_problem_form(r) == PROBLEM_HTML ? CONN_HTML : 0));
    slot->serial++;
    _Static_assert((int)SCORE_METHOD == (int)REQUEST_METHOD_SIZE, "copied whole");
    memcpy(slot->method, r->method, sizeof slot->method);
    size_t n = r->target_len < SCORE_TARGET - 1 ? r->target_len : SCORE_TARGET - 1;
    memcpy(slot->target, r->target, n);
    slot->target[n] = '\0';
    atomic_store_explicit(&slot->started, w->now, memory_order_release);
    conn_wait_until(c, WAIT_REQUEST, w->now / 1000 + w->teller.server->options.request_timeout);
}

static void log_access(struct worker *w, const struct conn *c, int status, uint64_t bytes,
                       int64_t microseconds)
{
    const struct access_log *log = &w->teller.server->access_log;
    if (log->fd < 0)
        return;
    char id[REQUEST_ID_SIZE];
    request_id(w->teller.server->board, w->slot, id);
    struct access_entry entry = {.peer = &c->peer,
                                 .line = w->request.line,
                                 .line_len = w->request.line_len,
                                 .status = status,
                                 .bytes = bytes,
                                 .microseconds = microseconds,
                                 .id = id};
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

static enum next run_request(struct worker *w, struct conn *c)
{
    unsigned me = w->teller.me;
    announce(w, c);
    if (!conn_step(c, me, CONN_RUN))
        return NEXT_GONE;
    w->run(w);
    if (!conn_step(c, me, CONN_SEND))
        return disowned(w);
    struct response *response = &w->teller.response;
    int64_t started = w->now;
    w->now = clock_us();
    atomic_store_explicit(&w->slot->started, 0, memory_order_release);
    int status = response->status;
    uint64_t bytes = c->flags & CONN_HEAD ? 0 : response_length(response);
    log_access(w, c, status, bytes, w->now - started);
    conn_close_body(c);
    atomic_fetch_add_explicit(&w->slot->requests, 1, memory_order_relaxed);
    scoreboard_count_served(w->teller.server->board, me - 1);
    bool is_quiet = !w->request.keep_alive && w->drained && c->stash_len == 0;
    return answer_send(&w->teller, c, is_quiet);
}

static const char *explain(int status)
{
    switch (status) {
    case 413:
        return "the body is larger than --max-body";
    case 414:
        return "the target is longer than --max-uri";
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

static enum next refuse(struct worker *w, struct conn *c, int status)
{
    char id[REQUEST_ID_SIZE];
    recover_head(w, c);
    w->slot->serial++;
    request_id(w->teller.server->board, w->slot, id);
    c->flags &= CONN_SERVED | CONN_WATCHED;
    if (w->request.is_head)
        c->flags |= CONN_HEAD;
    if (request_problem_form(&w->request) == PROBLEM_HTML)
        c->flags |= CONN_HTML;
    log_access(w, c, status, 0, 0);
    return answer_refuse(&w->teller, c, status, explain(status), id);
}

/* --- one connection --- */

static enum next look_for_request(struct worker *w, struct conn *c)
{
    int status = 0;
    request_reset(&w->request);
    switch (intake_request(w, c, &status)) {
    case INTAKE_WHOLE:
        return run_request(w, c);
    case INTAKE_WAIT:
        return NEXT_WAIT;
    case INTAKE_YIELD:
        return NEXT_YIELD;
    case INTAKE_REFUSED:
        return refuse(w, c, status);
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
    return look_for_request(w, c);
}

static bool watch_once(struct worker *w, struct conn *c)
{
    return c->flags & CONN_WATCHED || conn_watch(w->teller.server, c, false);
}

/* Nobody owns it afterwards, but an event will come: others first. */
static void yield(struct worker *w, struct conn *c)
{
    if (outbox_is_empty(c) && !(c->flags & CONN_LINGER) && c->head_len == 0)
        conn_wait_for_us(c);
    conn_hand_on(w->teller.server, c, w->teller.me);
}

/* Works on a connection it owns until there is nothing to do, then lets go of it. */
static void take_turn(struct worker *w, struct conn *c, bool is_wary)
{
    unsigned me = w->teller.me;
    w->drained = false;
    w->is_wary = is_wary;
    for (int i = 0;; i++) {
        enum next next = look(w, c);
        if (next == NEXT_GONE)
            return;
        if (next == NEXT_AGAIN && i < TURN_REQUESTS)
            continue;
        if (!watch_once(w, c)) {
            conn_finish(w->teller.server, c, me, END_RESET, "epoll does not take it");
            return;
        }
        if (next == NEXT_WAIT) {
            if (conn_release(c, me))
                return;
            w->drained = false; /* a note: look at the socket again, for bytes and for an end */
            w->is_wary = true;
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

static void turn_away(struct worker *w, struct conn *c)
{
    w->drained = true;
    enum next next =
        answer_refuse(&w->teller, c, 503, "too many connections: see --max-connections", "-");
    if (next != NEXT_GONE)
        take_turn(w, c, false);
}

static void accept_one(struct worker *w, int listener)
{
    struct server *s = w->teller.server;
    struct sockaddr_in6 peer = {0};
    socklen_t size = sizeof peer;
    be(w, -1, WORKER_ACCEPTING);
    int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            usleep(OUT_OF_DESCRIPTORS_PAUSE); /* the listener stays readable: do not spin on it */
        return;
    }
    struct conn *c = conn_open(&s->table, fd, w->teller.me);
    if (!c) {
        close(fd); /* cannot be: the limit on descriptors is the table's size */
        return;
    }
    be(w, fd, WORKER_TURN);
    c->peer = peer;
    int open = atomic_fetch_add(&s->board->connections, 1) + 1;
    if (open > (int)s->options.max_connections)
        turn_away(w, c);
    else
        take_turn(w, c, false);
}

/* An end of the client that has come together with its bytes makes no event of its own. */
static void take_event(struct worker *w, uint64_t tag, uint32_t events)
{
    int fd = conn_tag_fd(tag);
    if (conn_tag_generation(tag) == LISTENER_GENERATION) {
        accept_one(w, fd);
        return;
    }
    struct conn *c = conn_at(&w->teller.server->table, fd);
    if (!c)
        return;
    be(w, fd, WORKER_TURN);
    if (conn_claim(c, conn_tag_generation(tag), w->teller.me))
        take_turn(w, c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

static bool has_served_its_share(const struct worker *w)
{
    return (w->limit > 0 &&
            atomic_load_explicit(&w->slot->requests, memory_order_relaxed) >= w->limit);
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

/* Threads need not: whoever of them is asked can read it for all. */
static void tell_footprint(struct worker *w)
{
    bool is_asked_for = w->teller.server->options.admin && model_isolates;
    if (!is_asked_for || w->now - w->told < FOOTPRINT_TIME)
        return;
    w->told = w->now;
    atomic_store_explicit(&w->slot->pss, footprint_pss(), memory_order_relaxed);
}

bool serve_once(struct worker *w, int timeout)
{
    step_back(w);
    struct epoll_event event;
    int n = epoll_wait(w->teller.server->epoll, &event, 1, timeout);
    if (n < 0 && errno != EINTR) {
        log_line(LOG_ERROR, "epoll_wait: %s", strerror(errno));
        return false;
    }
    if (n == 1 && event.data.u64 == serve_retire_tag())
        return false;
    w->now = clock_us();
    if (n == 1)
        take_event(w, event.data.u64, event.events);
    if (w->is_leaving)
        return false; /* its slot still says that it was lost */
    be(w, -1, WORKER_WAITING);
    atomic_fetch_add(&w->slot->turns, 1);
    tell_footprint(w);
    return !has_served_its_share(w);
}

void serve(struct worker *w)
{
    while (serve_once(w, -1))
        ;
}
