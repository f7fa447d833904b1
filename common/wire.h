/*
 * wire.h — how the bytes of a connection travel: plainly, or by TLS in the way of this model.
 *
 *      server-thread    TLS is spoken in place: the socket is the client's, a session (tls/session.h)
 *                       stands between it and the loop
 *      server-proc      TLS is spoken by a gate (gate/gate.h there): the socket is one end of a pair
 *                       (handover.h), and what travels on it is plain; what a pair cannot say
 *                       stands in the seat of the connection (gate_board.h)
 *
 * The loop and all it calls use the functions of the first part, and need not know. Those of the
 * second part are defined by the server folder (wire.c in both), for connections with CONN_TLS; the
 * linker decides. For the owner of the connection.
 */
#ifndef TANDEM_WIRE_H
#define TANDEM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "server.h"

/* --- for all connections --- */

/* As recv(2), send(2), sendfile(2) on a non-blocking socket; no signal. `more`: others follow at
 * once. After less than n, or EAGAIN, the next call offers at least the rest of the same bytes. */
ssize_t wire_recv(const struct conn *c, int fd, void *to, size_t room);
ssize_t wire_send(const struct conn *c, int fd, const void *bytes, size_t n, bool more);
ssize_t wire_sendfile(const struct conn *c, int fd, int file, off_t *offset, size_t n);
/* wire_recv was asked for `room` bytes and got so many: does that mean that there are no more? Not yet
 * another event: then no is the answer that is always right. */
bool wire_is_drained(const struct conn *c, int fd, size_t got, size_t room);
/* An event has come: the socket may have more. It may have told of an end, too, when `is_wary`. */
void wire_refresh(const struct conn *c, int fd, bool is_wary);
/* Nothing more will be sent, and all that was promised has been; reading goes on. */
void wire_end(struct server *s, struct conn *c, int fd);
/* Bytes on their way that the client has not acknowledged yet, give or take a constant: it falls when
 * the client takes something, and then only, as long as nothing is sent. */
int wire_unsent(const struct server *s, const struct conn *c, int fd);

/* --- by the model, for connections with CONN_TLS --- */

/* Who has come: what stands in the slot of a connection from its first moment. */
struct arrival {
    struct sockaddr_in6 peer;
    uint16_t flags; /* CONN_TLS; CONN_SHAKING: the handshake is still to come; CONN_MISSPOKEN */
    uint32_t seat;  /* server-proc: see gate_board.h there */
    uint32_t serial;
    struct tls_facts facts; /* unless CONN_SHAKING */
};

/* True: TLS listeners are in the shared epoll, and wire_tls_accept is called for them. False: it is
 * called for server.handover. */
extern const bool wire_tls_in_place;
/* As accept4(2), non-blocking and close-on-exec; -1 with errno. The descriptor is the caller's. */
int wire_tls_accept(int fd, struct arrival *a);

/* Before the first look at a connection with CONN_SHAKING. False: no memory. */
bool wire_tls_begin(struct server *s, int fd);

enum shake { SHAKE_DONE, SHAKE_WAIT, SHAKE_HTTP, SHAKE_FAILED };
/* Goes on with the handshake; *facts when it is done; *why (for the debug log) when it has failed. */
enum shake wire_tls_shake(int fd, struct tls_facts *facts, const char **why);
/* What wire_tls_begin made is given back; nothing is sent. */
void wire_tls_forget(int fd);
/* wire_refresh and wire_is_drained for these. */
void wire_tls_refresh(int fd, bool is_wary);
bool wire_tls_is_drained(int fd, size_t got, size_t room);
/* It waits for room to write, though it was asked to read. */
bool wire_tls_wants_room(int fd);

ssize_t wire_tls_recv(int fd, void *to, size_t room);
ssize_t wire_tls_send(int fd, const void *bytes, size_t n, bool more);
ssize_t wire_tls_sendfile(int fd, int file, off_t *offset, size_t n);
/* Tells the client that this is the whole: close_notify. */
void wire_tls_end(struct server *s, const struct conn *c, int fd);
/* The same, for what is behind the socket. */
int wire_tls_unsent(const struct server *s, const struct conn *c);
/* True when `fd` is a connection that came by wire_tls_accept (and not a handler's own). */
bool wire_tls_accepted(const struct server *s, int fd);

#endif
