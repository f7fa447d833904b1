/*
 * forwarded.h — who asks, when proxies pass the request on: Forwarded (RFC 7239) and X-Forwarded-For.
 *
 * Each proxy adds the address of whoever came to it at the end, so what we can believe is read from
 * the right, as far as those reach who are trusted (trust.h); what stands further left, anybody may have
 * written:
 *
 *      client ──▶ proxy A ──▶ proxy B ──▶ we         the peer is B, which is trusted
 *
 *      X-Forwarded-For: 6.6.6.6, client, A
 *                                ▲      └─ trusted: go on
 *                                └──────── not: this is the client
 *
 *   - All are trusted: it is the leftmost.
 *   - An element that is no address ("unknown", an obfuscated name, anything malformed) ends it: the
 *     last address before it counts; when there is none, the peer.
 *   - Both fields: a proxy that writes the one passes the other on as it came, forged perhaps, and which
 *     it writes we do not know. So they count when they name the same client; otherwise neither does, and
 *     it is the peer: a forger can hide, but not be somebody else.
 *   - Further than LIMIT_HOPS elements nobody looks.
 *
 * It takes the time to go over the fields once, however they are made. For the worker that has the
 * request.
 */
#ifndef TANDEM_FORWARDED_H
#define TANDEM_FORWARDED_H

#include "request.h"
#include "trust.h"

/* Of a request whose fields are all there (has_fields), from a trusted `peer`. *client is the client,
 * which may be the peer. */
void forwarded_client(const struct request *r, const struct trust *t,
                      const struct sockaddr_in6 *peer, struct sockaddr_in6 *client);

#endif
