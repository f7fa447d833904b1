/*
 * session.c — OpenSSL's answers, turned into those of recv(2) and send(2).
 *
 * What a client can make the library do within one call is bounded, and that by what comes from the
 * socket, as OpenSSL itself goes on for as long as there is something to read:
 *   - Messages without content (KeyUpdates, each perhaps to be answered; attempts to renegotiate) are
 *     counted as they come, and more than a few in a row break the connection: the socket then gives
 *     and takes nothing more, so no more is worked through than the one buffer that is there already.
 *     (To stop in its middle and say EAGAIN would be a promise that another event will come.)
 *     Of records with nothing in them, OpenSSL takes 32 in a row.
 *   - Small records are gathered, so that one call brings all that one recv(2) has; it ends with the
 *     first record that has needed a second one.
 *   - A handshake ends when it has taken more bytes than the largest honest one.
 */
#include "session.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients.h"
#include "inside.h"
#include "library.h"
#include "socket_bio.h"

enum {
    RECORD = 16384,               /* bytes in one, at most (RFC 8446 §5.1) */
    HANDSHAKE_BYTES = 256 * 1024, /* a client's certificates may be 100 KiB (OpenSSL's bound) */
    NOTHINGS = 32                 /* messages without content, one after the other */
};

struct tls_session {
    SSL *ssl;
    struct tls_context *context;
    struct socket_end end;
    struct tls_hello hello;
    bool is_agreed; /* the handshake is over */
    bool has_said_end;
    bool wants_room;
    unsigned nothings; /* since the last content */
    char *failure;     /* NULL: none, or no memory for it */
};

/* --- opening and closing --- */

/* Called by OpenSSL for each message, in either direction, and before it acts on it. What is on its way
 * fails when the socket does; it would have to be asked again and again otherwise. */
static void count_message(int is_sent, int version, int type, const void *bytes, size_t length,
                          SSL *ssl, void *session)
{
    struct tls_session *t = session;
    bool is_nothing = is_sent ? type == SSL3_RT_ALERT : type == SSL3_RT_HANDSHAKE;
    (void)version, (void)bytes, (void)length, (void)ssl;
    if (t->is_agreed && is_nothing && ++t->nothings > NOTHINGS)
        t->end.error = EPROTO;
}

static bool put_on_socket(struct tls_session *t)
{
    BIO *bio = socket_bio_open(t->context->socket_method, &t->end);
    if (!bio)
        return false;
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, &t->hello);
    SSL_set_msg_callback(t->ssl, count_message);
    SSL_set_msg_callback_arg(t->ssl, t);
    SSL_set_accept_state(t->ssl);
    return true;
}

struct tls_session *tls_open(struct tls_context *c, int fd)
{
    struct tls_session *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->context = tls_context_keep(c);
    t->end = (struct socket_end){.fd = fd, .allowed = HANDSHAKE_BYTES};
    t->ssl = SSL_new(c->sites[0].ctx);
    if (t->ssl && put_on_socket(t))
        return t;
    ERR_clear_error();
    tls_close(t);
    return NULL;
}

void tls_close(struct tls_session *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    tls_context_close(t->context);
    free(t->failure);
    free(t);
}

/* --- what has happened --- */

/* SSL_get_error(3) looks into the thread's queue of errors, so there must be none from before; and
 * to ask whether it is empty is cheaper than to empty it. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

enum outcome { OUT_DONE, OUT_AGAIN, OUT_ENDED, OUT_BROKEN };

static enum outcome outcome_of(struct tls_session *t, int result)
{
    t->wants_room = false;
    if (result > 0)
        return OUT_DONE;
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_WRITE:
        t->wants_room = true;
        return OUT_AGAIN;
    case SSL_ERROR_WANT_READ:
        return OUT_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return OUT_ENDED;
    default:
        return OUT_BROKEN;
    }
}

void tls_refresh(struct tls_session *t, bool is_wary)
{
    t->end.is_drained = false;
    t->end.is_wary = is_wary;
}

bool tls_is_drained(const struct tls_session *t)
{
    return t->end.is_drained && !SSL_has_pending(t->ssl);
}

bool tls_wants_room(const struct tls_session *t)
{
    return t->wants_room;
}

/* --- the handshake --- */

static void note_failure(struct tls_session *t)
{
    long verdict = SSL_get_verify_result(t->ssl);
    const char *text = verdict != X509_V_OK                       ? clients_verdict(verdict)
                       : t->end.error                             ? strerror(t->end.error)
                       : t->end.is_ended || ERR_peek_error() == 0 ? "the client has ended"
                                                                  : tls_library_error();
    free(t->failure);
    t->failure = NULL;
    if (asprintf(&t->failure, "%s%s", verdict != X509_V_OK ? "the client's certificate: " : "",
                 text) < 0)
        t->failure = NULL;
}

const char *tls_failure(const struct tls_session *t)
{
    return t->failure ? t->failure : "out of memory";
}

/* "GET /", "PUT /", "HEAD ", "DELET": a record would begin with 22, and no version of TLS has
 * letters in its number. */
static bool is_http(const struct socket_end *end)
{
    if (end->got < SOCKET_FIRST)
        return false;
    size_t letters = 0;
    while (letters < SOCKET_FIRST && end->first[letters] >= 'A' && end->first[letters] <= 'Z')
        letters++;
    return letters == SOCKET_FIRST || (letters >= 3 && end->first[letters] == ' ');
}

enum tls_step tls_handshake(struct tls_session *t)
{
    forget_errors();
    switch (outcome_of(t, SSL_do_handshake(t->ssl))) {
    case OUT_DONE:
        t->end.allowed = SIZE_MAX;
        t->is_agreed = true;
        return TLS_DONE;
    case OUT_AGAIN:
        return TLS_AGAIN;
    default:
        note_failure(t);
        ERR_clear_error();
        return is_http(&t->end) ? TLS_HTTP : TLS_FAILED;
    }
}

/* --- bytes --- */

static ssize_t fail(int error)
{
    errno = error;
    return -1;
}

static ssize_t broken(const struct tls_session *t)
{
    ERR_clear_error();
    return fail(t->end.error ? t->end.error : EPROTO);
}

/* One record, or what is left of it. */
static ssize_t read_record(struct tls_session *t, char *to, size_t room)
{
    size_t n;
    forget_errors();
    switch (outcome_of(t, SSL_read_ex(t->ssl, to, room, &n))) {
    case OUT_DONE:
        t->nothings = 0;
        return (ssize_t)n;
    case OUT_AGAIN:
        return fail(EAGAIN);
    case OUT_ENDED:
        return 0;
    default:
        return t->end.is_ended ? 0 : broken(t);
    }
}

/* What follows the first record is a gift: whatever goes wrong there is told by the next call. */
ssize_t tls_recv(struct tls_session *t, void *to, size_t room)
{
    char *at = to;
    t->end.reads = 0;
    ssize_t n = read_record(t, at, room), got = n;
    while (n > 0 && (size_t)got < room && t->end.reads < 2 && SSL_has_pending(t->ssl)) {
        n = read_record(t, at + got, room - (size_t)got);
        got += n > 0 ? n : 0;
    }
    return got;
}

ssize_t tls_send(struct tls_session *t, const void *bytes, size_t n, bool more)
{
    const char *from = bytes;
    size_t sent = 0;
    while (sent < n) {
        size_t gone;
        t->end.has_more = more || n - sent > RECORD;
        forget_errors();
        enum outcome outcome = outcome_of(t, SSL_write_ex(t->ssl, from + sent, n - sent, &gone));
        if (outcome == OUT_DONE)
            sent += gone;
        else if (outcome == OUT_AGAIN)
            return sent > 0 ? (ssize_t)sent : fail(EAGAIN);
        else
            return sent > 0 ? (ssize_t)sent : broken(t);
    }
    return (ssize_t)sent;
}

/* SSL_shutdown answers 0 when it is sent, and also when a second try found no room: its error tells. And
 * called again when all was sent, it would begin to read. */
bool tls_end(struct tls_session *t)
{
    if (t->has_said_end || SSL_in_init(t->ssl))
        return true;
    t->end.has_more = false;
    forget_errors();
    t->has_said_end = outcome_of(t, SSL_shutdown(t->ssl)) != OUT_AGAIN;
    forget_errors();
    return t->has_said_end;
}

bool tls_is_resumed(const struct tls_session *t)
{
    return SSL_session_reused(t->ssl) == 1;
}

void tls_facts_of(const struct tls_session *t, struct tls_facts *facts)
{
    const X509 *peer = SSL_get0_peer_certificate(t->ssl);
    *facts = (struct tls_facts){.is_resumed = tls_is_resumed(t)};
    snprintf(facts->version, sizeof facts->version, "%s", SSL_get_version(t->ssl));
    snprintf(facts->cipher, sizeof facts->cipher, "%s", SSL_get_cipher_name(t->ssl));
    memcpy(facts->server_name, t->hello.server_name, sizeof facts->server_name);
    if (peer)
        clients_subject(peer, facts->subject, sizeof facts->subject);
}
