/*
 * target.h — what to send: innocent requests, and which of them are poisoned instead.
 *
 * A target is built before the run and only read during it, by all threads. Each thread asks its
 * own chooser for the next shot; with the same seed it makes the same choices.
 */
#ifndef LOADTEST_TARGET_H
#define LOADTEST_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../complaint.h"
#include "alias.h"
#include "fault.h"
#include "rng.h"
#include "shot.h"
#include "url.h"
#include "urls.h"

enum { MAX_SERVERS = 256, ADDRESSES_MAX = 64 };

/* All addresses behind a name, as they were at one moment. */
struct addresses {
    size_t count;
    struct address all[ADDRESSES_MAX];
    struct addresses *older; /* owned */
};

/* One server address, and the shots that can be fired at it. */
struct endpoint {
    struct address address;                /* the first that accepted a connection */
    _Atomic(struct addresses *) addresses; /* --resolve: the latest list (lookup.h); owned; NULL */
    char host[URL_HOST_MAX], port[6];      /* as in the first URL that named it */
    const char *tls_host;                  /* = host: whom to speak TLS with; NULL: plain */
    char authority[sizeof((struct url *)0)->authority];
    struct shot *innocent; /* owned */
    double *weights;       /* of each of them; owned */
    size_t innocent_count, innocent_room;
    double weight;      /* the sum */
    struct alias alias; /* to choose by weight; empty when all weight the same and take turns */
    struct shot injected[MAX_INJECTIONS]; /* bytes NULL: this injection is for another server */
};

struct target {
    struct endpoint *endpoints; /* owned; URLs of one host and port share one */
    size_t endpoint_count;
    size_t *berths; /* owned: which endpoint each connection belongs to */
    size_t room;    /* for the longest rendering of a shot with blanks; 0: there is none */
    size_t bytes;   /* of all shots together */
    struct injection injections[MAX_INJECTIONS];
    size_t injection_count;
};

/* Resolves all URLs, builds all shots, and shares out the connections: each server has one at least,
 * and beyond that its part by the weight of its URLs. `injections` is copied, its texts are not. On
 * failure `why` is filled in and nothing needs freeing. */
bool target_build(struct target *t, const struct aim *aims, size_t aim_count,
                  const struct injection *injections, size_t injection_count,
                  const struct dress *dress, unsigned connections, struct complaint *why);
void target_free(struct target *t);
/* Whether any server speaks TLS, and whether any injection is a wire fault. */
bool target_needs_tls(const struct target *t);
bool target_needs_gang(const struct target *t);
/* Whose connection number `n` is. */
const struct endpoint *target_endpoint_of(const struct target *t, size_t n);

/* Where to dial: the endpoint's address, or with --resolve the next of its list; `turn` is the
 * caller's own count. */
const struct address *endpoint_address(const struct endpoint *e, unsigned *turn);

/* One thread's state of choice. */
struct chooser {
    const struct target *target;
    struct rng rng;
    double share;                /* of all injections by share together */
    unsigned turns[MAX_SERVERS]; /* URLs of one server and of equal weight take turns */
    int64_t next_ns[MAX_INJECTIONS];
};

/* `thread` picks the random stream; timed injections are fired by thread 0 alone. */
void chooser_init(struct chooser *c, const struct target *t, uint64_t seed, unsigned thread);
/* The next shot for `endpoint`, `at_ns` after the start of the measured run. */
const struct shot *chooser_next(struct chooser *c, const struct endpoint *endpoint, int64_t at_ns);
/* The same for the warm-up, in which nothing is injected. */
const struct shot *chooser_next_innocent(struct chooser *c, const struct endpoint *endpoint);

#endif
