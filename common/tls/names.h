/*
 * names.h — whom a certificate is for, and whom a client asks for.
 *
 * A certificate is for the dNSNames among its subjectAltNames; only one without any subjectAltName
 * is for the last common name of its subject (RFC 6125 §6.4.4). "*.example.org" is every name with
 * exactly one label in place of the star (§6.4.3); a star anywhere else means nothing.
 */
#ifndef TANDEM_TLS_NAMES_H
#define TANDEM_TLS_NAMES_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct names {
    char **all; /* each its own piece of memory */
    size_t count;
};

/* False: no memory. Names with bytes that no host name has are left out. */
bool names_of(struct names *n, const X509 *cert);
void names_free(struct names *n);

bool names_have(const struct names *n,
                const char *host); /* literally, but for upper and lower case */
bool names_cover(const struct names *n, const char *host);             /* by a wildcard */
bool names_are_the_same(const struct names *a, const struct names *b); /* whatever their order */

/* The host_name in the server_name extension of the ClientHello that is being looked at (RFC 6066
 * §3), size bytes with its NUL. "": there is none, or none that is fit; what is malformed, OpenSSL
 * refuses later. Inside a client hello callback only. */
void names_asked_for(SSL *ssl, char *host, size_t size);

#endif
