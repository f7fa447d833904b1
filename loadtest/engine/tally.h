/*
 * tally.h — summing: turns samples (one per finished request) into a ledger and histograms.
 *
 * Each thread owns a tally and nobody else looks at it before the thread has ended; then the
 * runner merges them. The size is fixed: memory does not grow with the number of requests.
 */
#ifndef LOADTEST_TALLY_H
#define LOADTEST_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "ledger.h"
#include "tls.h"

/* How one request went. Times are monotonic nanoseconds. */
struct sample {
    enum party party;
    enum outcome outcome;
    int status;       /* of the answer; 0 without one */
    bool wire;        /* it was a wire fault, on a connection of its own */
    int64_t due_ns;   /* when it should have been sent */
    int64_t sent_ns;  /* when it was; = due when it never left */
    int64_t first_ns; /* when the first byte of the answer came; 0 without one */
    int64_t done_ns;
};

/* TLS handshakes of one kind: full ones, or those that resumed a session. */
struct handshakes {
    struct hist took; /* from the open TCP connection to the end; of the whole run, as `connect` */
    uint64_t in_time; /* of these: ended within the measured run, for handshakes per second */
};

struct tally {
    struct ledger ledger;
    struct injected_fate fate;
    uint64_t ok_in_time;    /* of all ok: those answered before the end of the run, for rps */
    uint64_t bytes;         /* received */
    uint64_t connections;   /* opened */
    struct hist corrected;  /* innocent, ok: from due to done */
    struct hist raw;        /* innocent, ok: from sent to done */
    struct hist failed;     /* innocent, failed: from due to the failure */
    struct hist injected;   /* injected: from due to done, of those with an answer */
    struct hist censored;   /* innocent, unfinished or never sent: how long they had been waiting */
    struct hist connect;    /* from socket() to an open connection (with TLS: to its end) */
    struct hist first_byte; /* innocent, ok: from sent to the first byte of the answer */
    struct handshakes full, resumed;
    struct tls_facts tls;
    struct hist slip; /* open loop: sent later than due although a connection was free */
};

/* Books one sample; `end_ns` is the end of the measured run. */
void tally_add(struct tally *t, const struct sample *s, int64_t end_ns);
/* Books a handshake; the measured run is from `begin_ns` to `end_ns`. */
void tally_add_handshake(struct tally *t, const struct handshake *h, int64_t begin_ns,
                         int64_t end_ns);
/* All of a tally's handshakes, of either kind. */
uint64_t tally_handshakes(const struct tally *t);
void tally_merge(struct tally *into, const struct tally *from);

#endif
