/*
 * self_signed.h — --tls-self-signed: a key and a certificate for this machine, in memory only.
 *
 * ECDSA on P-256, good from an hour ago, should clocks differ, for 90 days: for localhost, 127.0.0.1,
 * ::1, the name of the host, and the hosts of --tls-listen. Nobody vouches for it; who wants to be
 * sure compares the fingerprint that the log has shown (tls_context_describe). Each start makes
 * another; a reload keeps it, as its clients have accepted just that one, until half of its time is
 * over.
 */
#ifndef TANDEM_TLS_SELF_SIGNED_H
#define TANDEM_TLS_SELF_SIGNED_H

#include <stdbool.h>
#include <stddef.h>

#include "../options.h"
#include "material.h"

#define SELF_SIGNED_NAME "--tls-self-signed" /* of both items */

/* Appends certificate and key. False: `why` says so in a line. */
bool self_signed_make(struct material *m, const struct options *o, char *why, size_t size);

#endif
