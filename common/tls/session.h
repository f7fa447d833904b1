/*
 * session.h — one TLS connection, seen from the server: handshake, bytes, end.
 *
 *      tls_open ──▶ SHAKING ── tls_handshake: TLS_DONE ──▶ OPEN ── tls_end ──▶ tls_close
 *                      └────── TLS_FAILED, TLS_HTTP ─────────────────────────────▲
 *
 * Works on a non-blocking socket that stays the caller's, without copying more than TLS itself
 * must. For the owner of the connection: one thread at a time.
 */
#ifndef TANDEM_TLS_SESSION_H
#define TANDEM_TLS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../tls_facts.h"
#include "context.h"

struct tls_session;

/* For a connection just accepted on `fd`. NULL: no memory. */
struct tls_session *tls_open(struct tls_context *c, int fd);
/* Frees it, and sends nothing. NULL is fine. */
void tls_close(struct tls_session *t);

enum tls_step {
    TLS_DONE,  /* agreed on: tls_facts_of() tells what */
    TLS_AGAIN, /* the socket has no more, or takes no more (tls_wants_room) */
    TLS_HTTP,  /* what came is plain HTTP: a 400, in plain, is what its client understands */
    TLS_FAILED /* the client has been told why, if that was possible; tls_failure() */
};

/* Goes on with the handshake as far as the socket allows; after each event. With TLS_DONE, the first
 * bytes may have come along already, and no event will tell of them: tls_recv at once. */
enum tls_step tls_handshake(struct tls_session *t);
/* Why it failed, for the debug log: one line. As long as the session lives. */
const char *tls_failure(const struct tls_session *t);

/* As recv(2) on a non-blocking socket: a count; 0: the client has ended, with or without a
 * close_notify (HTTP knows by itself whether a request is whole); -1 with EAGAIN: no whole record has
 * come; -1 with another errno: broken. Only EAGAIN says that there is nothing more: less than was asked
 * for does not. However small the records are, it takes in what two recv(2) bring at most, 33 KiB
 * sealed. */
ssize_t tls_recv(struct tls_session *t, void *to, size_t room);
/* As send(2) on a non-blocking socket, without SIGPIPE; `more`: others follow at once (MSG_MORE).
 * After less than `n`, or -1 with EAGAIN, the next call must offer at least the rest of the same bytes,
 * wherever they lie by then: some of them may be sealed and half sent already. */
ssize_t tls_send(struct tls_session *t, const void *bytes, size_t n, bool more);
/* Nothing has arrived that tls_recv would not say EAGAIN to, as far as is known without asking the
 * socket again: a call that can be saved. */
bool tls_is_drained(const struct tls_session *t);
/* The last EAGAIN, or TLS_AGAIN, was for want of room to write, whatever was asked for: wait for
 * EPOLLOUT. */
bool tls_wants_room(const struct tls_session *t);
/* An event has come: the socket may have more than it had. Before the first call after each event
 * (a short read is taken to be the end of what there is, as epoll(7) says it is; but not when
 * `is_wary`: the event has told of an end, EPOLLRDHUP, EPOLLHUP or EPOLLERR, which may stand behind
 * it). A session just opened is fresh. */
void tls_refresh(struct tls_session *t, bool is_wary);

/* Says close_notify (RFC 8446 §6.1), once: all that was promised has been sent. Never after half an
 * answer. Reading goes on. False: the socket has no room for it; call again after EPOLLOUT. */
bool tls_end(struct tls_session *t);

/* After TLS_DONE: it goes on with an earlier session. */
bool tls_is_resumed(const struct tls_session *t);
/* What was agreed on; likewise. */
void tls_facts_of(const struct tls_session *t, struct tls_facts *facts);

#endif
