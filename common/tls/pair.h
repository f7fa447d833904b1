/*
 * pair.h — a certificate, the chain that leads up from it, and its key: one --tls-cert and its
 * --tls-key.
 */
#ifndef TANDEM_TLS_PAIR_H
#define TANDEM_TLS_PAIR_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "material.h"
#include "names.h"
#include "staple.h"

struct tls_pair {
    X509 *cert;
    STACK_OF(X509) * chain; /* behind it, in order; perhaps empty */
    EVP_PKEY *key;
    struct names names;
    struct staple staple;
    bool is_self_signed; /* by us */
};

/* False: `why` says what is wrong, in which file, and how to mend it; *p is empty. */
bool pair_read(struct tls_pair *p, const struct material_item *cert,
               const struct material_item *key, char *why, size_t size);
void pair_free(struct tls_pair *p);

/* "RSA", "ECDSA", "Ed25519": each is a choice of its own for the client. */
const char *pair_kind(const struct tls_pair *p);

/* Makes it one of those that `ctx` can show; `file` is its name, for messages. */
bool pair_use(const struct tls_pair *p, SSL_CTX *ctx, const char *file, char *why, size_t size);

#endif
