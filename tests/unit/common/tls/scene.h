/*
 * scene.h — a server's session and a client of OpenSSL's own, at the two ends of a socketpair, in one
 * thread: each in turn goes as far as it can.
 *
 * Test programs only.
 */
#ifndef TANDEM_TESTS_TLS_SCENE_H
#define TANDEM_TESTS_TLS_SCENE_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "certs.h"
#include "common/tls/context.h"
#include "common/tls/session.h"
#include "common/tls/tickets.h"

/* What a context is opened from. */
struct stage {
    struct material material;
    struct options options;
    struct tls_tickets *tickets;
    struct tls_context *context;
    char why[512];
};

/* Empty, with the defaults of options_read and tickets for an hour. One at a time. */
struct stage *stage_new(void);
/* Opens the context, and ends the test when that fails. */
void stage_open(struct stage *s);
/* With all certificates that have been made. */
void stage_free(struct stage *s);

struct client_spec {
    const char *name; /* SNI */
    const char *alpn; /* as in RFC 7301, each with its length before it */
    SSL_SESSION *resume;
    const struct cert *cert; /* its own */
    int version;             /* TLS1_2_VERSION, TLS1_3_VERSION; 0: whatever */
    const char *signatures;  /* sigalgs */
    const char *groups;      /* the first is the one it sends a key for */
    bool wants_staple;
};

struct visit {
    struct tls_session *server;
    SSL_CTX *ctx;
    SSL *client;
    int ends[2]; /* server's, client's; -1: closed */
    enum tls_step step;
    int client_result;   /* of its SSL_do_handshake */
    int client_error;    /* SSL_R_…, if it has failed */
    SSL_SESSION *ticket; /* the last it was given; its own */
    int tickets;
};

/* Connected, and nothing said yet. */
struct visit *visit_open(struct tls_context *c, const struct client_spec *spec);
/* Both shake hands until one of them fails or both are done, and the client has taken its tickets. */
void visit_shake(struct visit *v);
/* visit_open, visit_shake, and it has to succeed. */
struct visit *visit_good(struct tls_context *c, const struct client_spec *spec);
/* … and it has to fail, on both sides. */
struct visit *visit_bad(struct tls_context *c, const struct client_spec *spec);
void visit_close(struct visit *v);

/* The client says `text`, the server reads it and says it back. */
void visit_echo(struct visit *v, const char *text);
/* visit_good, and away again. The ticket is the caller's. */
SSL_SESSION *visit_for_ticket(struct tls_context *c, const struct client_spec *spec);
struct tls_facts visit_facts(const struct visit *v);

#endif
