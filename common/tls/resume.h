/*
 * resume.h — sessions that go on: tickets sealed with the keys of tickets.h, and no other memory of
 * them.
 *
 * A session goes on for --tls-ticket-time after its whole handshake, however often it was resumed
 * meanwhile and whichever new tickets that has brought: then its client shakes hands anew, and shows
 * its certificate once more. And it goes on only under the certificates of the same names, and under
 * the same rules for clients' certificates, as it began.
 */
#ifndef TANDEM_TLS_RESUME_H
#define TANDEM_TLS_RESUME_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "../options.h"
#include "material.h"
#include "names.h"

/* `ca` is NULL without --tls-client-ca. The tickets themselves are those of the SSL_CTX's context
 * (inside.h). False: out of memory. */
bool resume_set(SSL_CTX *ctx, const struct options *o, const struct material_item *ca,
                const struct names *names);

#endif
