/*
 * policy.h — what is agreed to at all, with whatever certificate.
 *
 * Sources: RFC 9325 (BCP 195); Mozilla's "Server Side TLS", intermediate and modern.
 */
#ifndef TANDEM_TLS_POLICY_H
#define TANDEM_TLS_POLICY_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "../options.h"

/* False: this library cannot do what is asked for. */
bool policy_set(SSL_CTX *ctx, const struct options *o);

#endif
