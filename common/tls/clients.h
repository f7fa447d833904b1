/*
 * clients.h — certificates of clients: asked for with --tls-client-ca, insisted on with
 * --tls-client-required.
 *
 * Whoever shows one that cannot be verified is refused, whether or not one is required. What stands
 * in the file is believed, be it a root, or a certificate below one.
 */
#ifndef TANDEM_TLS_CLIENTS_H
#define TANDEM_TLS_CLIENTS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "../options.h"
#include "material.h"

/* The certificates of --tls-client-ca. */
struct believed {
    X509_STORE *store;
    STACK_OF(X509_NAME) * names; /* that clients are told; NULL: too many */
};

/* To be freed in any case. False: `why` says what is wrong with the file, and how to mend it. */
bool clients_read(struct believed *b, const struct material_item *ca, char *why, size_t size);
void clients_free(struct believed *b);

/* Sessions of `ctx` ask for a certificate. The store is shared, and may be freed. False: out of
 * memory. */
bool clients_ask(SSL_CTX *ctx, const struct options *o, const struct believed *b);

/* The subject of a certificate, as RFC 4514 writes it, size bytes with its NUL; what is no plain
 * ASCII is escaped. False: it does not fit, or there is none, and `text` is empty. */
bool clients_subject(const X509 *cert, char *text, size_t size);

/* Why a certificate was refused, from SSL_get_verify_result. Static memory. */
const char *clients_verdict(long verdict);

#endif
