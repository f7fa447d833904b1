/*
 * tickets.h — the keys that session tickets are sealed with (RFC 5077, RFC 8446 §4.6.1).
 *
 * With tickets it is the client who keeps a session; whoever has the key can go on with it. So the
 * keys lie in memory shared by all who serve, and by nobody else: the gates of server-proc; the
 * processes that server-thread starts one after the other. Sessions so outlive the death of any of
 * them. A key seals for one --tls-ticket-time, and opens for one more: so it opens a ticket for that
 * long at least. (How long a session goes on, with a new ticket each time, is bounded in resume.h.)
 * Whoever has a key can read the sessions that it has sealed, so it is forgotten then.
 *
 *      slots   [ next ]  [ current: seals ]  [ previous: opens ]        rotate: → → ×
 *
 * One process rotates; all may seal and open at any time, threads included. Nobody ever waits, so
 * nobody can be left waiting by one that dies, be it in the middle of rotating: what it leaves
 * behind is mended by the next that rotates.
 */
#ifndef TANDEM_TLS_TICKETS_H
#define TANDEM_TLS_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

struct tls_tickets;

/* Maps it, shared with children forked later, kept out of core files. `period` is --tls-ticket-time
 * in ms. NULL (errno): no memory, or no randomness. */
struct tls_tickets *tls_tickets_open(int64_t period);
/* Overwrites the keys, for everybody. By the process that has opened it; NULL is fine. */
void tls_tickets_close(struct tls_tickets *t);
/* Takes the next key into use when it is time (now: clock_ms). Every few hundred ms, by the one
 * process that does; costs nothing when it is not time. As late as this comes, so much shorter is
 * the time of the key before. */
void tls_tickets_rotate(struct tls_tickets *t, int64_t now);

enum { TICKET_NAME_SIZE = 16 };

struct ticket_key {
    unsigned char name[TICKET_NAME_SIZE]; /* goes along in the clear */
    unsigned char cipher[32];             /* AES-256 */
    unsigned char mac[32];                /* HMAC-SHA-256 */
};

enum ticket_age { TICKET_UNKNOWN, TICKET_CURRENT, TICKET_PREVIOUS };

/* A copy of the key that seals now; should there be none, as after a death, one that nobody else has,
 * and a ticket so sealed opens never. The caller overwrites it after use. False: no randomness. */
bool tls_tickets_sealing(struct tls_tickets *t, struct ticket_key *key);
/* A copy of the key of this name; the caller overwrites it after use. TICKET_UNKNOWN: there is none, or
 * no longer. */
enum ticket_age tls_tickets_find(struct tls_tickets *t, const unsigned char name[TICKET_NAME_SIZE],
                                 struct ticket_key *key);

#endif
