/*
 * client.c — the connection's state machine.
 *
 * One send and one recv per request: the socket is registered once, edge-triggered, for reading and
 * writing; a recv that fills less than the buffer has drained the socket.
 */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "../units.h"
#include "answer.h"
#include "line.h"

enum state { CLOSED, CONNECTING, HANDSHAKE, OPEN };

enum { READS_PER_EVENT = 64, WRITE_PIECES = 16 };
#define BACKOFF_FIRST_NS (1 * NS_PER_MS)
#define BACKOFF_LAST_NS (10 * NS_PER_MS)

struct client {
    struct client_crew *crew;
    unsigned seat;
    const struct endpoint *endpoint;
    enum state state;
    struct line line;
    int64_t connect_ns; /* when connecting began */
    int64_t retry_ns;
    int64_t backoff_ns;
    int64_t free_since_ns;

    struct flights aboard;
    unsigned sent; /* of those aboard: completely or partly sent */
    size_t offset; /* bytes of the last of them that are out; 0: all are */

    struct answer answer; /* to the first of them */
    bool reset_seen;      /* sending has failed: the end of file that follows is a reset */
    int doubtful_status; /* of an injected flight whose connection is still to prove itself; or 0 */
};

/* ── Flights end ───────────────────────────────────────────────────────────────────────────────*/

static void settle_doubt(struct client *c, bool kept)
{
    if (c->doubtful_status == 0)
        return;
    c->crew->settled(c->crew->context, c->doubtful_status, kept);
    c->doubtful_status = 0;
}

static void end_first(struct client *c, const struct landing *landing)
{
    int64_t now = landing->done_ns;
    int status = landing->status;
    struct flight *flight = flights_take(&c->aboard);
    if (c->sent > 0)
        c->sent--;
    if (c->sent == 0)
        c->offset = 0;
    c->free_since_ns = now;
    if (flight->sent_ns == 0)
        flight->sent_ns = now; /* it never left */
    c->crew->ended(c->crew->context, flight, landing);
    if (status != 0)
        settle_doubt(c, true);
    if (flight->shot->party == INJECTED && flight->measured) {
        c->doubtful_status = status;
        if (status == 0)
            c->crew->settled(c->crew->context, 0, false);
    }
}

/* Lets go of the socket. What is still aboard will be sent again from its first byte. */
static void hang_up(struct client *c, bool abruptly)
{
    settle_doubt(c, false);
    line_hang_up(&c->line, abruptly);
    c->state = CLOSED;
    c->sent = 0;
    c->offset = 0;
    answer_next(&c->answer);
}

/* The connection is of no more use: the first flight ends as `first`, those behind it as `rest`. */
static void lose(struct client *c, enum outcome first, enum outcome rest, bool abruptly)
{
    int64_t now = now_ns();
    hang_up(c, abruptly);
    for (enum outcome outcome = first; c->aboard.count > 0; outcome = rest)
        end_first(c, &(struct landing){.outcome = outcome, .done_ns = now});
    c->free_since_ns = now;
}

static void lose_by(struct client *c, enum outcome how)
{
    lose(c, c->answer.begun ? OUTCOME_TRUNCATED : how, how, false);
}

/* ── Connecting ────────────────────────────────────────────────────────────────────────────────*/

static void open_failed(struct client *c, enum outcome outcome, int64_t now)
{
    lose(c, outcome, outcome, false);
    /* A server that restarts is found at once, and one that is gone does not heat the room. */
    c->backoff_ns = c->backoff_ns ? c->backoff_ns * 2 : BACKOFF_FIRST_NS;
    if (c->backoff_ns > BACKOFF_LAST_NS)
        c->backoff_ns = BACKOFF_LAST_NS;
    c->retry_ns = now + c->backoff_ns;
}

void client_connect(struct client *c, int64_t now)
{
    c->connect_ns = now;
    c->retry_ns = 0;
    const struct address *there = endpoint_address(c->endpoint, &c->crew->dials);
    int error = line_dial(&c->line, there, c->crew->epoll, c, 0);
    if (error)
        open_failed(c, outcome_of_connect_error(error), now);
    else
        c->state = CONNECTING;
}

static void become_open(struct client *c)
{
    c->state = OPEN;
    c->backoff_ns = 0;
    c->reset_seen = false;
    answer_start(&c->answer);
    if (c->line.tls)
        c->crew->shaken(c->crew->context, tls_shaken(c->line.tls));
    c->crew->opened(c->crew->context, now_ns() - c->connect_ns);
}

/* Goes on with connecting; returns whether the connection is open. */
static bool finish_connecting(struct client *c, uint32_t events)
{
    if (c->state == CONNECTING) {
        int error = line_dialled(&c->line, events);
        if (error) {
            open_failed(c, outcome_of_connect_error(error), now_ns());
            return false;
        }
        c->state = HANDSHAKE;
    }
    enum tls_step step = line_shake_hands(&c->line);
    if (step == TLS_FAILED)
        open_failed(c, OUTCOME_TLS, now_ns());
    if (step == TLS_DONE)
        become_open(c);
    return step == TLS_DONE;
}

/* ── Sending ───────────────────────────────────────────────────────────────────────────────────*/

/* Accounts for `n` bytes that left, beginning with flight number `i`. */
static void note_sent(struct client *c, unsigned i, size_t n, int64_t now)
{
    while (n > 0) {
        struct flight *flight = flights_at(&c->aboard, i);
        size_t left = flight->length - c->offset;
        if (c->offset == 0)
            flight->sent_ns = now;
        c->sent = i + 1;
        if (n < left) {
            c->offset += n;
            return;
        }
        n -= left;
        c->offset = 0;
        i++;
    }
}

/* Sends unsent flights until all are out or the socket is full; returns false when it is lost. */
static bool send_flights(struct client *c, int64_t now)
{
    while (c->sent < c->aboard.count || c->offset > 0) {
        struct iovec pieces[WRITE_PIECES];
        unsigned from = c->offset > 0 ? c->sent - 1 : c->sent;
        size_t n = 0;
        for (unsigned i = from; i < c->aboard.count && n < WRITE_PIECES; i++, n++) {
            const struct flight *flight = flights_at(&c->aboard, i);
            size_t skip = n == 0 ? c->offset : 0;
            pieces[n] = (struct iovec){(char *)flight->bytes + skip, flight->length - skip};
        }
        ssize_t out = line_send(&c->line, pieces, n);
        if (out < 0)
            return errno == EAGAIN || errno == EINTR; /* an edge will tell when there is room */
        note_sent(c, from, (size_t)out, now);
    }
    return true;
}

void client_flush(struct client *c, int64_t now)
{
    if (c->state == OPEN && !send_flights(c, now)) {
        c->reset_seen = true;                   /* the error is told once, to the first who asks */
        client_on_event(c, EPOLLIN | EPOLLHUP); /* an answer may lie there, ahead of the loss */
    }
    if (c->state == CLOSED && c->aboard.count > 0)
        client_connect(c, now);
}

/* ── Receiving ─────────────────────────────────────────────────────────────────────────────────*/

/* A whole answer has arrived, `behind` more bytes lie after it. False: the connection is over. */
static bool take_answer(struct client *c, size_t behind)
{
    int64_t now = now_ns();
    bool keep_alive = c->answer.keep_alive;
    bool early = c->sent == 1 && c->offset > 0; /* the rest of the request would have to follow */
    struct landing landing = {.status = answer_status(&c->answer),
                              .first_ns = answer_first_ns(&c->answer, now),
                              .done_ns = now};
    landing.outcome = outcome_of_status(landing.status);
    /* More bytes than requests: the stream is out of step with what we asked, from here on. */
    if (behind > 0 && (c->sent == 1 || !keep_alive) && landing.outcome != OUTCOME_MALFORMED)
        landing.outcome = OUTCOME_SURPLUS;
    bool astray = landing.outcome == OUTCOME_SURPLUS || landing.outcome == OUTCOME_MALFORMED;
    end_first(c, &landing);
    answer_next(&c->answer);
    bool goes_on = keep_alive && c->crew->reuse && !astray && !early;
    if (!goes_on)
        hang_up(c, astray);
    return goes_on;
}

/* Feeds `n` bytes to the reader of answers; false when the connection was given up. */
static bool parse(struct client *c, const char *data, size_t n)
{
    while (n > 0) {
        enum answer_step step = ANSWER_BROKEN;
        if (c->sent > 0) /* else nobody asked for these bytes: everything was answered */
            step = answer_read(&c->answer, flights_at(&c->aboard, 0)->shot->head, &data, &n);
        if (step == ANSWER_BROKEN) {
            lose(c, OUTCOME_MALFORMED, OUTCOME_MALFORMED, true);
            return false;
        }
        if (step == ANSWER_WHOLE && !take_answer(c, n))
            return false;
    }
    if (answer_wants_first(&c->answer))
        answer_note_first(&c->answer, now_ns());
    return true;
}

/* The server has closed its side. An answer without a length ends here, and well. */
static void on_eof(struct client *c)
{
    if (answer_ends_here(&c->answer))
        take_answer(c, 0);
    else
        lose_by(c, c->reset_seen ? OUTCOME_RESET : OUTCOME_CLOSED);
}

static void on_readable(struct client *c, bool to_the_end)
{
    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n = line_recv(&c->line, c->crew->input, c->crew->input_size);
        if (n == 0) {
            on_eof(c);
            return;
        }
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                lose_by(c, line_outcome_of_loss(errno));
            return;
        }
        c->crew->bytes += (uint64_t)n;
        if (!parse(c, c->crew->input, (size_t)n))
            return;
        if (line_drained(&c->line, (size_t)n, c->crew->input_size) && !to_the_end)
            return;
    }
    /* A flood: give the others a turn, and ask for a fresh edge. */
    line_nudge(&c->line, c->crew->epoll, c);
}

void client_on_event(struct client *c, uint32_t events)
{
    if (c->state == CLOSED)
        return;
    if (c->state != OPEN && !finish_connecting(c, events))
        return;
    if (line_readable(&c->line, events))
        on_readable(c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

/* ── Time and housekeeping ─────────────────────────────────────────────────────────────────────*/

void client_check_deadline(struct client *c, int64_t now)
{
    if ((c->state == CONNECTING || c->state == HANDSHAKE) &&
        now - c->connect_ns > c->crew->timeout_ns)
        open_failed(c, OUTCOME_CONNECT_TIMEOUT, now);
    else if (c->state == OPEN && c->sent > 0 &&
             now - flights_at(&c->aboard, 0)->sent_ns > c->crew->timeout_ns)
        lose(c, OUTCOME_DEADLINE, OUTCOME_DEADLINE, true);
}

struct client *client_new(struct client_crew *crew, const struct endpoint *endpoint, unsigned seat)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->crew = crew;
    c->seat = seat;
    c->endpoint = endpoint;
    if (line_init(&c->line, endpoint->tls_host, crew->tls, &crew->tls_facts) &&
        flights_init(&c->aboard, crew->depth, crew->room, crew->seed))
        return c;
    client_free(c);
    return NULL;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    line_drop(&c->line);
    flights_free(&c->aboard);
    free(c);
}

const struct endpoint *client_endpoint(const struct client *c)
{
    return c->endpoint;
}

unsigned client_seat(const struct client *c)
{
    return c->seat;
}

unsigned client_room(const struct client *c, int64_t now)
{
    if (c->state == OPEN) /* without reuse the one answer is the last */
        return (c->crew->reuse ? c->crew->depth : 1) - c->aboard.count;
    return c->aboard.count == 0 && (c->state != CLOSED || now >= c->retry_ns);
}

unsigned client_in_flight(const struct client *c)
{
    return c->aboard.count;
}

int64_t client_retry_ns(const struct client *c)
{
    return c->state == CLOSED ? c->retry_ns : 0;
}

int64_t client_free_since_ns(const struct client *c)
{
    return c->free_since_ns;
}

void client_put(struct client *c, const struct flight *flight)
{
    flights_add(&c->aboard, flight);
}

void client_abandon(struct client *c, void (*left)(void *context, const struct flight *flight))
{
    settle_doubt(c, true);
    for (unsigned i = 0; i < c->aboard.count; i++)
        left(c->crew->context, flights_at(&c->aboard, i));
    c->aboard.count = 0;
    hang_up(c, true);
}
