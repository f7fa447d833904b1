/*
 * certs.h — keys and certificates made for the occasion, and put into material as if read from files.
 *
 * Whatever is made lives until certs_free. Test programs only.
 */
#ifndef TANDEM_TESTS_TLS_CERTS_H
#define TANDEM_TESTS_TLS_CERTS_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "common/tls/material.h"

struct cert {
    X509 *x509;
    EVP_PKEY *key;
};

/* What is not set is usual: P-256, self-signed, a server's, good for an hour. */
struct cert_spec {
    const char *key;    /* "P-256", "P-521", "RSA2048", "RSA1024", "ED25519" */
    const char *names;  /* "DNS:localhost,DNS:*.example.org"; NULL: none */
    const char *common; /* common name of the subject; NULL: none, and no subject at all */
    const struct cert *by;
    bool is_ca;
    bool is_client;
    long from, to; /* seconds from now */
    long serial;
};

struct cert cert_make(const struct cert_spec *spec);
/* The usual one. */
struct cert cert_for(const char *names);

void certs_free(void);

void add_cert(struct material *m, const char *file, const struct cert *c);
void add_key(struct material *m, const char *file, const struct cert *c);
/* Both, with names made of NAME. */
void add_pair(struct material *m, const char *name, const struct cert *c);
void add_text(struct material *m, enum material_kind kind, const char *file, const char *text);
/* One or two certificates in a file; `second` may be NULL. */
void add_chain(struct material *m, enum material_kind kind, const char *file,
               const struct cert *first, const struct cert *second);

#endif
