/*
 * scenario.h — what to send: innocent requests, and which of them are poisoned instead.
 *
 * A scenario is built before the run and only read during it, by all threads. Each thread asks its
 * own chooser for the next shot; with the same seed it makes the same choices.
 */
#ifndef LOADTEST_SCENARIO_H
#define LOADTEST_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complaint.h"
#include "rng.h"
#include "shot.h"
#include "url.h"

enum { MAX_URLS = 16, MAX_INJECTIONS = 8, KIND_SIZE = 32 };

/* One --inject: a share of the requests, or once at a moment, or from a moment on every so
 * often. */
struct injection {
    char kind[KIND_SIZE];
    double share;     /* > 0: by share */
    int64_t first_ns; /* by time: after the start of the measured run */
    int64_t every_ns; /* 0: once */
    const char *url;  /* of --inject-url; NULL: /fault/KIND of the server under test */
};

/* "segv=1%", "segv@5s", "hang@5s/500ms". */
bool injection_parse(const char *text, struct injection *injection, struct complaint *why);

/* One server address, and the shots that can be fired at it. */
struct endpoint {
    struct address address;
    char authority[sizeof((struct url *)0)->authority];
    struct shot innocent[MAX_URLS];
    size_t innocent_count;
    struct shot injected[MAX_INJECTIONS]; /* bytes NULL: this injection is for another server */
};

struct scenario {
    struct endpoint *endpoints; /* owned; URLs of one host and port share one */
    size_t endpoint_count;
    struct injection injections[MAX_INJECTIONS];
    size_t injection_count;
};

/* Resolves all URLs and builds all shots. `injections` is copied, its texts are not. On failure
 * `why` is filled in and nothing needs freeing. */
bool scenario_build(struct scenario *s, const char *const *urls, size_t url_count,
                    const struct injection *injections, size_t injection_count,
                    const struct dress *dress, struct complaint *why);
void scenario_free(struct scenario *s);

/* One thread's state of choice. */
struct chooser {
    const struct scenario *scenario;
    struct rng rng;
    double share; /* of all injections by share together */
    size_t turn;  /* URLs of an endpoint take turns */
    int64_t next_ns[MAX_INJECTIONS];
};

/* `thread` picks the random stream; timed injections are fired by thread 0 alone. */
void chooser_init(struct chooser *c, const struct scenario *s, uint64_t seed, unsigned thread);
/* The next shot for `endpoint`, `at_ns` after the start of the measured run. */
const struct shot *chooser_next(struct chooser *c, const struct endpoint *endpoint, int64_t at_ns);
/* The same for the warm-up, in which nothing is injected. */
const struct shot *chooser_next_innocent(struct chooser *c, const struct endpoint *endpoint);

#endif
