/*
 * client.c — the connection's state machine, around llhttp.
 *
 * One send and one recv per request: the socket is registered once, edge-triggered, for reading and
 * writing; a recv that fills less than the buffer has drained the socket.
 */
#include "client.h"

#include <errno.h>
#include <llhttp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "units.h"

enum state { CLOSED, CONNECTING, OPEN };

enum { READS_PER_EVENT = 64, WRITE_PIECES = 16 };
#define BACKOFF_FIRST_NS (1 * NS_PER_MS)
#define BACKOFF_LAST_NS (10 * NS_PER_MS)

struct client {
    struct client_crew *crew;
    unsigned seat;
    const struct endpoint *endpoint;
    enum state state;
    int fd;
    int64_t connect_ns; /* when connecting began */
    int64_t retry_ns;
    int64_t backoff_ns;
    int64_t free_since_ns;

    struct flights aboard;
    unsigned sent; /* of those aboard: completely or partly sent */
    size_t offset; /* bytes of the last of them that are out; 0: all are */

    llhttp_t parser;
    bool reset_seen;     /* sending has failed: the end of file that follows is a reset */
    bool answer_begun;   /* bytes of the first flight's answer have arrived */
    bool keep_alive;     /* as its answer says */
    int doubtful_status; /* of an injected flight whose connection is still to prove itself; or 0 */
    struct flight doubtful;
};

/* ── llhttp's view ─────────────────────────────────────────────────────────────────────────────*/

static int on_message_begin(llhttp_t *parser)
{
    ((struct client *)parser->data)->answer_begun = true;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    const struct client *c = parser->data;
    return c->aboard.count > 0 && flights_at(&c->aboard, 0)->shot->head; /* 1: no body follows */
}

static int on_message_complete(llhttp_t *parser)
{
    struct client *c = parser->data;
    c->keep_alive = llhttp_should_keep_alive(parser);
    return HPE_PAUSED; /* one answer at a time, so that we know where it ended */
}

static const llhttp_settings_t settings = {.on_message_begin = on_message_begin,
                                           .on_headers_complete = on_headers_complete,
                                           .on_message_complete = on_message_complete};

/* ── Flights end ───────────────────────────────────────────────────────────────────────────────*/

static void settle_doubt(struct client *c, bool kept)
{
    if (c->doubtful_status == 0)
        return;
    c->crew->settled(c->crew->context, &c->doubtful, c->doubtful_status, kept);
    c->doubtful_status = 0;
}

static void end_first(struct client *c, enum outcome outcome, int status, int64_t now)
{
    struct flight flight = flights_take(&c->aboard);
    if (c->sent > 0)
        c->sent--;
    if (c->sent == 0)
        c->offset = 0;
    c->free_since_ns = now;
    if (flight.sent_ns == 0)
        flight.sent_ns = now; /* it never left */
    struct landing landing = {.outcome = outcome, .status = status, .done_ns = now};
    c->crew->ended(c->crew->context, &flight, &landing);
    if (status != 0)
        settle_doubt(c, true);
    if (flight.shot->party == INJECTED && flight.measured) {
        c->doubtful = flight;
        c->doubtful_status = status;
        if (status == 0)
            c->crew->settled(c->crew->context, &flight, 0, false);
    }
}

/* Lets go of the socket. What is still aboard will be sent again from its first byte. */
static void hang_up(struct client *c, bool abruptly)
{
    settle_doubt(c, false);
    if (c->fd >= 0) {
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        if (abruptly) /* the server shall not go on answering somebody who has gone */
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(c->fd);
    }
    c->fd = -1;
    c->state = CLOSED;
    c->sent = 0;
    c->offset = 0;
    c->answer_begun = false;
}

/* The connection is of no more use: the first flight ends as `first`, those behind it as `rest`. */
static void lose(struct client *c, enum outcome first, enum outcome rest, bool abruptly)
{
    int64_t now = now_ns();
    hang_up(c, abruptly);
    if (c->aboard.count > 0)
        end_first(c, first, 0, now);
    while (c->aboard.count > 0)
        end_first(c, rest, 0, now);
    c->free_since_ns = now;
}

static void lose_by(struct client *c, enum outcome how)
{
    lose(c, c->answer_begun ? OUTCOME_TRUNCATED : how, how, false);
}

/* ── Connecting ────────────────────────────────────────────────────────────────────────────────*/

static void open_failed(struct client *c, int error, int64_t now)
{
    enum outcome outcome = outcome_of_connect_error(error);
    lose(c, outcome, outcome, false);
    /* A server that restarts is found at once, and one that is gone does not heat the room. */
    c->backoff_ns = c->backoff_ns ? c->backoff_ns * 2 : BACKOFF_FIRST_NS;
    if (c->backoff_ns > BACKOFF_LAST_NS)
        c->backoff_ns = BACKOFF_LAST_NS;
    c->retry_ns = now + c->backoff_ns;
}

void client_connect(struct client *c, int64_t now)
{
    const struct address *address = &c->endpoint->address;
    int family = address->sa.ss_family;
    c->connect_ns = now;
    c->retry_ns = 0;
    c->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        open_failed(c, errno, now);
        return;
    }
    int on = 1;
    if (family != AF_UNIX)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if ((connect(c->fd, (const struct sockaddr *)&address->sa, address->length) != 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(c->crew->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        open_failed(c, errno == EAGAIN ? ECONNREFUSED : errno, now);
        return;
    }
    c->state = CONNECTING;
}

/* Returns false when the attempt has failed. */
static bool finish_connecting(struct client *c, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (events & (EPOLLERR | EPOLLHUP)) {
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            open_failed(c, error, now_ns());
            return false;
        }
    }
    c->state = OPEN;
    c->crew->connections++;
    c->backoff_ns = 0;
    c->reset_seen = false;
    llhttp_init(&c->parser, HTTP_RESPONSE, &settings);
    c->parser.data = c;
    return true;
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
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = n};
        ssize_t out = n == 1 ? send(c->fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                             : sendmsg(c->fd, &message, MSG_NOSIGNAL);
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
    int status = llhttp_get_status_code(&c->parser);
    if (status >= 100 && status < 200 && status != 101)
        return true; /* an interim answer: the final one follows */
    enum outcome outcome = outcome_of_status(status);
    /* More bytes than requests: the stream is out of step with what we asked, from here on. */
    if (behind > 0 && (c->sent == 1 || !c->keep_alive) && outcome != OUTCOME_MALFORMED)
        outcome = OUTCOME_SURPLUS;
    bool goes_on = c->keep_alive && c->crew->reuse && outcome != OUTCOME_SURPLUS &&
                   outcome != OUTCOME_MALFORMED;
    end_first(c, outcome, status, now_ns());
    c->answer_begun = false;
    if (!goes_on)
        hang_up(c, outcome == OUTCOME_SURPLUS || outcome == OUTCOME_MALFORMED);
    return goes_on;
}

/* Feeds `n` bytes to the parser; false when the connection was given up. */
static bool parse(struct client *c, const char *data, size_t n)
{
    while (n > 0) {
        if (c->sent == 0) { /* bytes that nobody asked for, after everything was answered */
            lose(c, OUTCOME_MALFORMED, OUTCOME_MALFORMED, true);
            return false;
        }
        llhttp_errno_t error = llhttp_execute(&c->parser, data, n);
        if (error == HPE_OK)
            return true;
        if (error != HPE_PAUSED) {
            lose(c, OUTCOME_MALFORMED, OUTCOME_MALFORMED, true);
            return false;
        }
        const char *end = llhttp_get_error_pos(&c->parser);
        n -= (size_t)(end - data);
        data = end;
        llhttp_resume(&c->parser);
        if (!take_answer(c, n))
            return false;
    }
    return true;
}

/* The server has closed its side. An answer without a length ends here, and well. */
static void on_eof(struct client *c)
{
    if (c->answer_begun && llhttp_message_needs_eof(&c->parser) &&
        llhttp_finish(&c->parser) == HPE_PAUSED) {
        c->keep_alive = false;
        take_answer(c, 0);
        return;
    }
    lose_by(c, c->reset_seen ? OUTCOME_RESET : OUTCOME_CLOSED);
}

static void on_readable(struct client *c, bool to_the_end)
{
    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n = recv(c->fd, c->crew->input, c->crew->input_size, 0);
        if (n == 0) {
            on_eof(c);
            return;
        }
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR)
                return;
            lose_by(c, OUTCOME_RESET);
            return;
        }
        c->crew->bytes += (uint64_t)n;
        if (!parse(c, c->crew->input, (size_t)n))
            return;
        if ((size_t)n < c->crew->input_size && !to_the_end)
            return;
    }
    /* A flood: give the others a turn, and ask for a fresh edge. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    epoll_ctl(c->crew->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

void client_on_event(struct client *c, uint32_t events)
{
    if (c->state == CLOSED)
        return;
    if (c->state == CONNECTING && !finish_connecting(c, events))
        return;
    bool ending = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (ending || events & EPOLLIN)
        on_readable(c, ending);
}

/* ── Time and housekeeping ─────────────────────────────────────────────────────────────────────*/

void client_check_deadline(struct client *c, int64_t now)
{
    if (c->state == CONNECTING && now - c->connect_ns > c->crew->timeout_ns)
        open_failed(c, ETIMEDOUT, now);
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
    c->fd = -1;
    if (!flights_init(&c->aboard, crew->depth, crew->room, crew->seed)) {
        free(c);
        return NULL;
    }
    return c;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
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
    return c->state == CLOSED && c->aboard.count == 0 && now >= c->retry_ns;
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
