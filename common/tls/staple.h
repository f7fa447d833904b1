/*
 * staple.h — what an OCSP responder has said of a certificate, sent along with it (RFC 6066 §8), so that
 * clients need not ask.
 *
 * Somebody else fetches it and puts it into a file; HUP reads it again. It is sent as it is: clients
 * verify its signature. Here is looked at only whether it is what it should be, and still good.
 */
#ifndef TANDEM_TLS_STAPLE_H
#define TANDEM_TLS_STAPLE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "material.h"

struct staple {
    unsigned char *bytes; /* DER; NULL: none */
    size_t length;
    time_t until; /* it says nothing about later times */
};

/* What the file says of `cert`. False with an empty `why`: it is about another one. False with a line
 * in `why`: it cannot be read, or is no successful answer. True, but no bytes: it is not fit to be sent,
 * which a warning has said. */
bool staple_read(struct staple *s, const struct material_item *item, const X509 *cert, char *why,
                 size_t size);
void staple_free(struct staple *s);

/* There is one, and its time is not over. */
bool staple_is_good(const struct staple *s, time_t now);

#endif
