/*
 * quarantine.h — a route that keeps killing is put aside, and looked after until it is well.
 *
 *                 the N-th death within the time                  the time is over: one request
 *      WELL ───────────────────────────────────▶ ASIDE ────────────────────────────────────────┐
 *        ▲                                         ▲                                           │
 *        │  the probe has been answered            │  the probe has died, or said nothing      │
 *        └──────────────────────────────────── PROBING ◀───────────────────────────────────────┘
 *
 * WELL: requests pass. ASIDE and PROBING: they are answered 503 with Retry-After at once, all but
 * the one that is the probe. How long a route stays aside doubles with each failed probe.
 *
 * A ward lies in memory that all workers share, and any of them may be killed at any moment: there
 * is no lock in it, each change is one compare-and-swap. A probe whose worker is never heard of
 * again is given up after a while. The idea is the circuit breaker of M. Nygard, "Release It!".
 */
#ifndef TANDEM_QUARANTINE_H
#define TANDEM_QUARANTINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { QUARANTINE_DEATHS = 1000 /* the most that --quarantine can ask for */ };

/* The rule of --quarantine: so many deaths within so many ms. deaths 0: there is none. */
struct quarantine_rule {
    unsigned deaths;
    int64_t within;
};

/* One route's state; zeroed memory is a route that is well. */
struct ward {
    _Atomic uint64_t word;   /* see quarantine.c */
    _Atomic uint64_t window; /* likewise: deaths, and when the count began */
};

enum verdict { VERDICT_PASS, VERDICT_PROBE, VERDICT_REFUSE };

/* May a request for this route run now (monotonic ms)? With VERDICT_REFUSE *retry_after is in
 * seconds, at least 1. Any worker. */
enum verdict quarantine_ask(struct ward *ward, int64_t now, unsigned *retry_after);
/* The request that was the probe has been answered: the route is well. By its worker. */
void quarantine_well(struct ward *ward);
/* A request of this route has died. True when that puts the route aside, from WELL. Any process. */
bool quarantine_death(struct ward *ward, const struct quarantine_rule *rule, int64_t now);
bool quarantine_is_aside(const struct ward *ward);

#endif
