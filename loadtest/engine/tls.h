/*
 * tls.h — TLS 1.2 and 1.3 (RFC 5246, RFC 8446) for connections to https:// URLs; around OpenSSL.
 *
 * This is the only part that uses OpenSSL. A context holds what a whole run has in common and is
 * shared by all threads; a session belongs to one client, and so to one thread, and is used for
 * one connection after the other. Plain connections have none, and pay for none.
 */
#ifndef LOADTEST_TLS_H
#define LOADTEST_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "../complaint.h"

/* What the user decides. */
struct tls_choice {
    bool insecure;      /* any certificate will do */
    bool resume;        /* a new connection resumes the session of the one before */
    bool only_12;       /* TLS 1.2 is all that is offered; not together with only_13 */
    bool only_13;       /* TLS 1.3 is */
    const char *cacert; /* PEM file of trusted authorities; NULL: those of the system */
    const char *cert;   /* PEM file of a certificate to show, its chain behind it; NULL: none */
    const char *key;    /* PEM file of its key; NULL: it is in `cert` as well */
};

/* What a run's handshakes agreed on, or broke off for. */
struct tls_facts {
    char agreed[128];        /* by the first: version, cipher, group, key of the server; or "" */
    char first_failure[192]; /* why the first one failed; "" when none did */
};

/* A handshake that was completed. */
struct handshake {
    bool resumed;    /* with the session of an earlier connection */
    int64_t took_ns; /* from the open TCP connection to our last message of it */
    int64_t done_ns; /* monotonic */
};

void tls_facts_merge(struct tls_facts *into, const struct tls_facts *from);

struct tls_context;

/* NULL with the reason in `why`. The texts in `choice` need not outlive the call. */
struct tls_context *tls_context_new(const struct tls_choice *choice, struct complaint *why);
void tls_context_free(struct tls_context *context);

struct tls;

/* For connections to `host`: a name (sent as SNI, RFC 6066 §3, and looked for in the certificate)
 * or an IP address (looked for in the certificate). `facts` is added to by every handshake. All
 * three must outlive the session. NULL when memory runs out. */
struct tls *tls_new(struct tls_context *context, const char *host, struct tls_facts *facts);
void tls_free(struct tls *t);

/* Begins with a new connection on `fd`, which stays the caller's; false when memory runs out. */
bool tls_begin(struct tls *t, int fd);

enum tls_step { TLS_DONE, TLS_WAIT, TLS_FAILED };

/* Goes on with the handshake as far as the socket allows. TLS_FAILED: the reason is in the facts,
 * if it is the first. */
enum tls_step tls_handshake(struct tls *t);
/* The one that tls_handshake() was the last to call done. */
const struct handshake *tls_shaken(const struct tls *t);

/* As recv(2) and send(2) on a non-blocking socket: a count, 0 for the end, or -1 with errno; EPROTO
 * when what came was not TLS any more. An end that the peer did not announce with close_notify
 * (RFC 8446 §6.1) is ECONNABORTED: what was read before may have been cut off. */
ssize_t tls_recv(struct tls *t, void *to, size_t room);
ssize_t tls_send(struct tls *t, const struct iovec *pieces, size_t count);
/* Whether nothing more is to be read until epoll says so. */
bool tls_drained(const struct tls *t);
/* Whether bytes have left the socket that tls_recv() has not handed out: epoll knows nothing of
 * them. */
bool tls_holds_back(const struct tls *t);

/* Tells the peer by close_notify that nothing more will come; reading goes on. */
void tls_end_sending(struct tls *t);
/* Ends the connection's TLS; `politely`: with a close_notify, if the socket takes it. */
void tls_end(struct tls *t, bool politely);

#endif
