/*
 * target.h — what to send: innocent requests, and which of them are poisoned instead.
 *
 * A target is built before the run and only read during it, by all threads. Each thread asks its
 * own chooser for the next shot; with the same seed it makes the same choices.
 */
#ifndef LOADTEST_TARGET_H
#define LOADTEST_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complaint.h"
#include "fault.h"
#include "rng.h"
#include "shot.h"
#include "url.h"

enum { MAX_URLS = 16 };

/* One server address, and the shots that can be fired at it. */
struct endpoint {
    struct address address;
    char *tls_host; /* owned; whom to speak TLS with; NULL: plain */
    char authority[sizeof((struct url *)0)->authority];
    struct shot innocent[MAX_URLS];
    size_t innocent_count;
    struct shot injected[MAX_INJECTIONS]; /* bytes NULL: this injection is for another server */
};

struct target {
    struct endpoint *endpoints; /* owned; URLs of one host and port share one */
    size_t endpoint_count;
    struct injection injections[MAX_INJECTIONS];
    size_t injection_count;
};

/* Resolves all URLs and builds all shots. `injections` is copied, its texts are not. On failure
 * `why` is filled in and nothing needs freeing. */
bool target_build(struct target *t, const char *const *urls, size_t url_count,
                  const struct injection *injections, size_t injection_count,
                  const struct dress *dress, struct complaint *why);
void target_free(struct target *t);
/* Whether any server speaks TLS, and whether any injection is a wire fault. */
bool target_needs_tls(const struct target *t);
bool target_needs_gang(const struct target *t);

/* One thread's state of choice. */
struct chooser {
    const struct target *target;
    struct rng rng;
    double share; /* of all injections by share together */
    size_t turn;  /* URLs of an endpoint take turns */
    int64_t next_ns[MAX_INJECTIONS];
};

/* `thread` picks the random stream; timed injections are fired by thread 0 alone. */
void chooser_init(struct chooser *c, const struct target *t, uint64_t seed, unsigned thread);
/* The next shot for `endpoint`, `at_ns` after the start of the measured run. */
const struct shot *chooser_next(struct chooser *c, const struct endpoint *endpoint, int64_t at_ns);
/* The same for the warm-up, in which nothing is injected. */
const struct shot *chooser_next_innocent(struct chooser *c, const struct endpoint *endpoint);

#endif
