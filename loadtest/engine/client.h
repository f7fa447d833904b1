/*
 * client.h — one connection to the server: sends shots, reads answers, says how each one ended.
 *
 *            ┌──────────────────── loss, close, time-out ────────────────────┐
 *            ▼                                                                │
 *   CLOSED ──── flush with a flight aboard, ──▶ CONNECTING ──▶ HANDSHAKE ──▶ OPEN
 *               or client_connect                              (TLS only)
 *
 *   CLOSED      no descriptor. Before retry_ns it takes no flight (the back-off after a refusal).
 *   CONNECTING  at most one new flight is aboard; it fails with the connection, if that fails.
 *   HANDSHAKE   the same, until TLS is agreed on; a plain connection passes through in no time.
 *   OPEN        up to `depth` flights: sent in order, answered in order. When the answer comes before
 *               all of the request is out, it is the last one of the connection.
 *
 * A flight is a shot on its way. Each flight that was put aboard is reported exactly once through
 * `ended`. When a connection dies, the first unanswered flight is TRUNCATED if its answer had
 * begun, and all others are RESET or CLOSED, as the connection was. When the server announces the
 * end ("Connection: close"), the flights behind that answer were not processed (RFC 9112 §9.6):
 * they stay aboard and are sent again on the next connection.
 *
 * A client belongs to one thread, and so does everything here.
 */
#ifndef LOADTEST_CLIENT_H
#define LOADTEST_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "../target/target.h"
#include "flight.h"
#include "tls.h"

struct client;

/* What the clients of one thread share. */
struct client_crew {
    int epoll;
    int64_t timeout_ns; /* of a request from its sending, and of connecting */
    bool reuse;         /* false: a connection is closed after its answer */
    unsigned depth;     /* flights at once on a connection */
    char *input;        /* a buffer that all use in turn: nothing is kept in it between calls */
    size_t input_size;
    unsigned dials;          /* connections begun: where a name has several addresses, in turn */
    uint64_t bytes;          /* received */
    struct tls_context *tls; /* NULL when no endpoint speaks TLS */
    struct tls_facts tls_facts;
    /* A TLS handshake is done, of a client or of a wire fault. */
    void (*shaken)(void *context, const struct handshake *h);
    /* A connection is open, so long after it was begun (with TLS: handshake included). */
    void (*opened)(void *context, int64_t took_ns);
    void (*ended)(void *context, const struct flight *flight, const struct landing *landing);
    /* The connection of an injected flight, answered with `status` (0: not at all), proved of use
     * afterwards, or was lost. */
    void (*settled)(void *context, int status, bool kept);
    void *context;
    size_t room; /* for the rendering of each flight, and the seed for it (flight.h) */
    uint64_t seed;
};

/* NULL when memory runs out. The crew and the endpoint must outlive the client; epoll's data.ptr
 * will be the client, and `seat` is any number its owner wants to know it by. */
struct client *client_new(struct client_crew *crew, const struct endpoint *endpoint, unsigned seat);
/* Closes the connection without reporting anything, and frees it. */
void client_free(struct client *c);

const struct endpoint *client_endpoint(const struct client *c);
unsigned client_seat(const struct client *c);
/* How many more flights it takes at this moment. */
unsigned client_room(const struct client *c, int64_t now_ns);
unsigned client_in_flight(const struct client *c);
/* The back-off ends then; 0 when there is none. */
int64_t client_retry_ns(const struct client *c);
/* Since when it has had room (meaningful while it has). */
int64_t client_free_since_ns(const struct client *c);

/* Opens the connection ahead of the first flight. */
void client_connect(struct client *c, int64_t now_ns);
/* Takes a flight aboard; only while client_room() > 0. */
void client_put(struct client *c, const struct flight *flight);
/* Sends what is aboard and unsent, connecting first if need be. */
void client_flush(struct client *c, int64_t now_ns);
/* Handles what epoll reported for this client. */
void client_on_event(struct client *c, uint32_t events);
/* Ends what is over the time-out: connecting, or flights. */
void client_check_deadline(struct client *c, int64_t now_ns);
/* At the end of a run: calls `ended` for no one; hands each flight still aboard to `left`, says of
 * the answered injected ones that their connection was kept, and closes. */
void client_abandon(struct client *c, void (*left)(void *context, const struct flight *flight));

#endif
