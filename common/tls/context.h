/*
 * context.h — what all TLS sessions of a server have in common: certificates, keys, and what is
 * agreed to at all.
 *
 * Immutable once opened. A reload opens another from new material and then closes the old one;
 * sessions that were opened from the old one keep what they need of it.
 *
 * By default: TLS 1.2 and 1.3 (RFC 8446, RFC 9325), ciphers with forward secrecy and AEAD only,
 * X25519 first (and X25519MLKEM768 before it where the library has it), ALPN http/1.1 (RFC 7301: a
 * client that can speak nothing else is refused with no_application_protocol), no renegotiation, no
 * compression, no early data. Which certificate goes out is decided by name (RFC 6066 §3; wildcards
 * as in RFC 6125 §6.4.3), the first pair being the default; pairs for the same names and different
 * kinds of key stand side by side, and the client's abilities decide.
 *
 * Opened by one thread; sessions may be opened from it by many, as long as one of them owns it.
 */
#ifndef TANDEM_TLS_CONTEXT_H
#define TANDEM_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "../options.h"
#include "material.h"
#include "tickets.h"

struct tls_context;

/* Owned by the caller. `tickets` must outlive it and all its sessions. NULL: `why` (size bytes)
 * holds one line that says what is wrong, in which file, and how to mend it: no PEM in it, a key
 * that is not the certificate's, a staple for another certificate, …. What is merely unwise (a
 * certificate that has expired, a staple past its date) is logged as a warning. */
struct tls_context *tls_context_open(const struct material *m, const struct options *o,
                                     struct tls_tickets *tickets, char *why, size_t size);
/* The same, with one owner more; by any thread that knows of one. */
struct tls_context *tls_context_keep(struct tls_context *c);
/* One owner less; the last frees it, and so may a session. NULL is no context, and fine. */
void tls_context_close(struct tls_context *c);

/* One line for the log, cut to `size` bytes with its NUL (at least 1): "localhost (ECDSA, until
 * 2027-02-01, self-signed, SHA-256 AB:CD:…); *.example.org (ECDSA, until 2027-03-01; RSA, until …)". */
void tls_context_describe(const struct tls_context *c, char *line, size_t size);

#endif
