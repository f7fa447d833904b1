/*
 * inside.h — what a context is made of, for the files of this folder.
 *
 *      context ─┬─ pairs   certificate, chain, key, staple: one per --tls-cert
 *               └─ sites   SSL_CTX: pairs for the same names, one of each kind of key
 *
 * Its owner counts as a user, and so does each session: the last one frees it.
 */
#ifndef TANDEM_TLS_INSIDE_H
#define TANDEM_TLS_INSIDE_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stddef.h>

#include "../limits.h"
#include "../tls_facts.h"
#include "context.h"
#include "pair.h"

enum { CONTEXT_PAIRS = LIMIT_TEXTS + 1 /* the self-signed one */ };

struct tls_site {
    SSL_CTX *ctx;
    const struct tls_pair *pairs[CONTEXT_PAIRS]; /* the first gives the names */
    size_t count;
};

struct tls_context {
    _Atomic unsigned users;
    struct tls_tickets *tickets;
    int64_t ticket_time;       /* ms: so long a session goes on, resume.h */
    EVP_CIPHER *ticket_cipher; /* looked up once, not for each ticket */
    BIO_METHOD *socket_method; /* socket_bio.h */
    struct tls_pair pairs[CONTEXT_PAIRS];
    size_t pair_count;
    struct tls_site sites[CONTEXT_PAIRS]; /* the first is the default */
    size_t site_count;
};

/* What the callbacks of OpenSSL find beside an SSL: its app data. */
struct tls_hello {
    char server_name[TLS_NAME_SIZE]; /* asked for; "": none */
    bool is_known;                   /* a certificate is for it */
};

/* The context that an SSL has been opened from. */
const struct tls_context *inside_of(const SSL *ssl);

#endif
