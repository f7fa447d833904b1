/*
 * trust.h — the proxies whose word on who the client is counts: what --trusted-proxy names.
 *
 *      192.0.2.1        one host                 192.0.2.0/24    all that begin with these bits
 *      2001:db8::/32    likewise                 unix            whoever comes by a unix socket
 *
 * IPv4 is the same in both its forms (address.h): ::ffff:10.0.0.0/104 is 10.0.0.0/8. A prefix of IPv6
 * that is too short to say ::ffff: (::/0, say) is about IPv6 alone: whoever writes it does not think of
 * all of IPv4.
 *
 * Written while options are read, by one thread; read by all workers afterwards.
 */
#ifndef TANDEM_TRUST_H
#define TANDEM_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "limits.h"

struct trusted {
    uint8_t bytes[ADDRESS_BYTES];
    uint8_t bits; /* of these that count: 0 … 128; of IPv4 96 … 128 */
};

/* Of zeros: nobody is trusted. */
struct trust {
    struct trusted all[LIMIT_TEXTS];
    size_t count;
    bool has_unix;
};

/* Adds what was typed. False: `why` says what is wrong with it and how to write it, in one line of
 * less than `size` bytes. */
bool trust_add(struct trust *t, const char *text, char *why, size_t size);

static inline bool trust_is_empty(const struct trust *t)
{
    return t->count == 0 && !t->has_unix;
}

bool trust_has(const struct trust *t, const struct sockaddr_in6 *a);

#endif
