/*
 * mischief.c — a kind is a row of a table: what is said, how fast, and when it is broken off.
 */
#include "mischief.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../units.h"
#include "answer.h"
#include "line.h"

enum { EVENTS = 64, READS_PER_EVENT = 64, TINY_BUFFER = 1 /* the kernel makes it some KiB */ };

struct mischief_kind {
    const char *name;
    const char *(*say)(const struct flight *flight, size_t *length);
    size_t step; /* bytes at a time, every pause_ns; 0: all at once */
    int64_t pause_ns;
    void (*said)(struct line *line); /* done when all is said; NULL: nothing */
    int64_t patience_ns;             /* it breaks off so long after that; 0: it does not */
    bool one_taste;                  /* it breaks off at the first byte of the answer */
    bool deaf;                       /* it does not read while the connection stands */
    enum outcome at_timeout;
};

enum stage { IDLE, CONNECTING, HANDSHAKE, TALKING, SAID };

struct mischief {
    const struct mischief_kind *kind;
    struct gang *gang;
    enum stage stage;
    struct flight flight;
    char *rendering; /* owned: its bytes, when there were blanks in them; or NULL */
    struct line line;
    int64_t connect_ns; /* when connecting began */
    int64_t act_ns;     /* not before: the next step, or breaking off */
    size_t out;         /* bytes that have been said */
    struct answer answer;
};

struct gang {
    struct client_crew *crew;
    int epoll;
    unsigned active;
    struct mischief members[GANG_SIZE];
};

/* ── The kinds ─────────────────────────────────────────────────────────────────────────────────*/

static const char *whole_request(const struct flight *flight, size_t *length)
{
    *length = flight->length;
    return flight->bytes;
}

static const char *half_request(const struct flight *flight, size_t *length)
{
    *length = flight->length / 2;
    return flight->bytes;
}

/* Lines end in it, so that a server which waits for an end of line gets one. */
static const char *no_http(const struct flight *flight, size_t *length)
{
    static const char garbage[] = "\x01\xfe\x80 this is \x7f\xff no HTTP\r\n:\xc0\xaf\r\n\r\n";
    (void)flight;
    *length = sizeof garbage - 1;
    return garbage;
}

static const struct mischief_kind kinds[] = {
    {.name = "drip",
     .say = whole_request,
     .step = 1,
     .pause_ns = 100 * NS_PER_MS,
     .at_timeout = OUTCOME_DEADLINE},
    {.name = "half-close",
     .say = whole_request,
     .said = line_end_sending,
     .at_timeout = OUTCOME_DEADLINE},
    {.name = "reset-request",
     .say = half_request,
     .patience_ns = 10 * NS_PER_MS, /* so that the server is at it */
     .at_timeout = OUTCOME_ABANDONED},
    {.name = "reset-response",
     .say = whole_request,
     .one_taste = true,
     .at_timeout = OUTCOME_DEADLINE},
    {.name = "garbage", .say = no_http, .at_timeout = OUTCOME_DEADLINE},
    {.name = "stalled-reader", .say = whole_request, .deaf = true, .at_timeout = OUTCOME_ABANDONED},
};

const struct mischief_kind *mischief_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* ── Ends ──────────────────────────────────────────────────────────────────────────────────────*/

static void let_go(struct mischief *m)
{
    line_drop(&m->line);
    free(m->rendering);
    m->rendering = NULL;
    m->stage = IDLE;
}

static void finish(struct mischief *m, enum outcome outcome, int status)
{
    struct client_crew *crew = m->gang->crew;
    struct flight flight = m->flight;
    struct landing landing = {.outcome = outcome, .status = status, .done_ns = now_ns()};
    bool abruptly =
        outcome == OUTCOME_ABANDONED || outcome == OUTCOME_DEADLINE || outcome == OUTCOME_MALFORMED;
    line_hang_up(&m->line, abruptly);
    let_go(m);
    m->gang->active--;
    if (flight.sent_ns == 0)
        flight.sent_ns = landing.done_ns; /* it never left */
    crew->ended(crew->context, &flight, &landing);
}

/* The server has ended it. */
static void lose(struct mischief *m, enum outcome how)
{
    finish(m, m->answer.begun ? OUTCOME_TRUNCATED : how, 0);
}

/* ── Listening ─────────────────────────────────────────────────────────────────────────────────*/

/* Takes what has arrived; false when that was the end. */
static bool hear(struct mischief *m, const char *data, size_t n)
{
    if (m->kind->one_taste) {
        finish(m, OUTCOME_ABANDONED, 0);
        return false;
    }
    enum answer_step step = answer_read(&m->answer, m->flight.shot->head, &data, &n);
    int status = answer_status(&m->answer);
    if (step == ANSWER_WHOLE)
        finish(m, outcome_of_status(status), status);
    else if (step == ANSWER_BROKEN)
        finish(m, OUTCOME_MALFORMED, 0);
    return step == ANSWER_MORE;
}

static void hear_the_end(struct mischief *m)
{
    int status = answer_status(&m->answer);
    if (answer_ends_here(&m->answer))
        finish(m, outcome_of_status(status), status);
    else
        lose(m, OUTCOME_CLOSED);
}

static void listen_to(struct mischief *m)
{
    struct client_crew *crew = m->gang->crew;
    size_t room = m->kind->one_taste ? 1 : crew->input_size;
    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n = line_recv(&m->line, crew->input, room);
        if (n == 0) {
            hear_the_end(m);
            return;
        }
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                lose(m, line_outcome_of_loss(errno));
            return;
        }
        crew->bytes += (uint64_t)n;
        if (!hear(m, crew->input, (size_t)n))
            return;
    }
    line_nudge(&m->line, m->gang->epoll, m); /* a flood: let others have a turn */
}

/* ── Talking ───────────────────────────────────────────────────────────────────────────────────*/

static void become_silent(struct mischief *m, int64_t now)
{
    m->stage = SAID;
    m->act_ns = m->kind->patience_ns > 0 ? now + m->kind->patience_ns : INT64_MAX;
    if (m->kind->said)
        m->kind->said(&m->line);
}

/* Says what is due, as far as the socket takes it. */
static void talk(struct mischief *m, int64_t now)
{
    const struct mischief_kind *kind = m->kind;
    size_t length;
    const char *text = kind->say(&m->flight, &length);
    while (m->out < length && now >= m->act_ns) {
        size_t n = kind->step > 0 ? kind->step : length - m->out;
        struct iovec piece = {(char *)text + m->out, n};
        ssize_t gone = line_send(&m->line, &piece, 1);
        if (gone < 0 && (errno == EAGAIN || errno == EINTR))
            return; /* an edge will tell when there is room */
        if (gone < 0) {
            listen_to(m); /* an answer may lie there, ahead of the loss */
            if (m->stage == TALKING)
                lose(m, OUTCOME_RESET);
            return;
        }
        if (m->out == 0)
            m->flight.sent_ns = now;
        m->out += (size_t)gone;
        m->act_ns = now + kind->pause_ns;
    }
    if (m->out == length)
        become_silent(m, now);
}

/* ── Events and time ───────────────────────────────────────────────────────────────────────────*/

/* Goes on with connecting; returns whether the connection is open. */
static bool finish_connecting(struct mischief *m, uint32_t events)
{
    if (m->stage == CONNECTING) {
        int error = line_dialled(&m->line, events);
        if (error) {
            finish(m, outcome_of_connect_error(error), 0);
            return false;
        }
        m->stage = HANDSHAKE;
    }
    enum tls_step step = line_shake_hands(&m->line);
    if (step == TLS_FAILED)
        finish(m, OUTCOME_TLS, 0);
    if (step == TLS_DONE)
        m->stage = TALKING;
    if (step == TLS_DONE && m->line.tls)
        m->gang->crew->shaken(m->gang->crew->context, tls_shaken(m->line.tls));
    return step == TLS_DONE;
}

static void on_event(struct mischief *m, uint32_t events)
{
    if (m->stage == IDLE || (m->stage < TALKING && !finish_connecting(m, events)))
        return;
    if (m->stage == TALKING)
        talk(m, now_ns());
    bool ending = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (m->stage != IDLE && (m->kind->deaf ? ending : line_readable(&m->line, events)))
        listen_to(m);
}

void gang_on_event(struct gang *g)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(g->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++)
        on_event(events[i].data.ptr, events[i].events);
}

static void check(struct mischief *m, int64_t now)
{
    int64_t since = m->flight.sent_ns > 0 ? m->flight.sent_ns : m->connect_ns;
    if (now - since > m->gang->crew->timeout_ns)
        finish(m, m->stage < TALKING ? OUTCOME_CONNECT_TIMEOUT : m->kind->at_timeout, 0);
    else if (m->stage == SAID && now >= m->act_ns)
        finish(m, OUTCOME_ABANDONED, 0);
    else if (m->stage == TALKING)
        talk(m, now);
}

void gang_check(struct gang *g, int64_t now)
{
    for (unsigned i = 0; g->active > 0 && i < GANG_SIZE; i++)
        if (g->members[i].stage != IDLE)
            check(&g->members[i], now);
}

/* ── The gang ──────────────────────────────────────────────────────────────────────────────────*/

/* There is one. */
static struct mischief *find_idle(struct gang *g)
{
    unsigned i = 0;
    while (i + 1 < GANG_SIZE && g->members[i].stage != IDLE)
        i++;
    return &g->members[i];
}

bool gang_has_room(const struct gang *g)
{
    return g->active < GANG_SIZE;
}

/* Fills in the blanks, as flights_add() does for a client. False when memory runs out. */
static bool fill_in(struct mischief *m, uint64_t seed)
{
    struct flight *flight = &m->flight;
    const struct template *blanks = &flight->shot->template;
    flight->bytes = flight->shot->bytes;
    flight->length = flight->shot->length;
    if (blanks->room == 0)
        return true;
    m->rendering = malloc(blanks->room);
    if (!m->rendering)
        return false;
    flight->length = template_render(blanks, seed, flight->seq, m->rendering);
    flight->bytes = m->rendering;
    return true;
}

void gang_start(struct gang *g, const struct endpoint *endpoint, const struct flight *flight,
                int64_t now)
{
    struct client_crew *crew = g->crew;
    struct mischief *m = find_idle(g);
    *m = (struct mischief){.kind = flight->shot->mischief,
                           .gang = g,
                           .stage = CONNECTING,
                           .flight = *flight,
                           .connect_ns = now};
    g->active++;
    answer_start(&m->answer);
    int error = ENOMEM;
    if (line_init(&m->line, endpoint->tls_host, crew->tls, &crew->tls_facts) &&
        fill_in(m, crew->seed))
        error = line_dial(&m->line, endpoint_address(endpoint, &g->crew->dials), g->epoll, m,
                          m->kind->deaf ? TINY_BUFFER : 0);
    if (error)
        finish(m, outcome_of_connect_error(error), 0);
}

struct gang *gang_new(struct client_crew *crew)
{
    struct gang *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    g->crew = crew;
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (g->epoll >= 0 && epoll_ctl(crew->epoll, EPOLL_CTL_ADD, g->epoll, &event) == 0)
        return g;
    gang_free(g);
    return NULL;
}

void gang_free(struct gang *g)
{
    if (!g)
        return;
    for (unsigned i = 0; i < GANG_SIZE; i++)
        if (g->members[i].stage != IDLE)
            let_go(&g->members[i]);
    if (g->epoll >= 0)
        close(g->epoll);
    free(g);
}

void gang_abandon(struct gang *g, void (*left)(void *context, const struct flight *flight))
{
    for (unsigned i = 0; i < GANG_SIZE; i++) {
        struct mischief *m = &g->members[i];
        if (m->stage == IDLE)
            continue;
        left(g->crew->context, &m->flight);
        line_hang_up(&m->line, true);
        let_go(m);
    }
    g->active = 0;
}
