/*
 * quarantine.h — a route that keeps killing is put aside, and looked after until it is well.
 *
 *             as --quarantine says              the time is over          nothing heard for 60 s:
 *      WELL ───────────────────────▶ ASIDE ────────────────────▶ PROBING ──┐ the next request
 *        ▲                             ▲                           │ │ ▲   │ is the probe
 *        │                             └───── a request has died ──┘ │ └───┘
 *        └──────────────── the probe has been answered ──────────────┘
 *
 * WELL: requests pass. ASIDE and PROBING: they are answered 503 with Retry-After at once, all but
 * the one that is the probe. A route is aside for 1 s, then twice as long with each probe that
 * fails, up to 60 s; once it is well, all of this begins anew.
 *
 * Stragglers, requests that were already running when their route was put aside, change nothing
 * when they die while it is ASIDE. While it is PROBING nobody can tell them from the probe, so
 * their death fails it; but when the probe is answered after all, the route is well at once, be it
 * ASIDE again or not. So a route that has recovered is kept aside by none of them. Once it is WELL,
 * they count like any other.
 *
 * A ward lies in memory that all workers share, and any of them may be killed at any moment, or
 * write where it should not: there is no lock in it, each change is one atomic step, and no pattern
 * of bits in it puts the next probe off for longer than 60 s. The idea is the circuit breaker of M.
 * Nygard, "Release It!".
 */
#ifndef TANDEM_QUARANTINE_H
#define TANDEM_QUARANTINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { QUARANTINE_DEATHS = 1000 /* the most that --quarantine can ask for */ };

/*
 * The rule of --quarantine. "5/10s" means: no later than with the fifth of any five deaths that lie
 * within 10 s, and never without five deaths within less than 20 s. Between the two it depends on
 * how they fall: two counts stand for a list of a thousand times.
 */
struct quarantine_rule {
    unsigned deaths; /* 1…QUARANTINE_DEATHS; 0: no route is ever put aside */
    int64_t within;  /* ms, at least 1 */
};

/* One route's state; zeroed memory is a route that is well. */
struct ward {
    _Atomic uint64_t word;   /* see quarantine.c */
    _Atomic uint64_t window; /* likewise: deaths, and when the count began */
};

enum verdict { VERDICT_PASS, VERDICT_PROBE, VERDICT_REFUSE };

/* May a request for this route run now (monotonic ms)? To be asked right before its handler is
 * called: a probe that never runs keeps the route from being probed for 60 s. *retry_after is set
 * with VERDICT_REFUSE: seconds, 1…60. Any worker. Costs one load while the route is well. */
enum verdict quarantine_ask(struct ward *ward, int64_t now, unsigned *retry_after);
/* The handler of the request that was the probe has returned: the route is well, and no death is
 * counted any more. By the probe's worker, unless the request has been taken from it meanwhile (a
 * 504 was its death). */
void quarantine_well(struct ward *ward);
/* A request of this route has died (monotonic ms). True when that puts the route aside, from WELL:
 * for one caller only, however many die at once. Any process. */
bool quarantine_death(struct ward *ward, const struct quarantine_rule *rule, int64_t now);
/* Is it anything but WELL? A route that nobody asks for stays aside. Any process. */
bool quarantine_is_aside(const struct ward *ward);

#endif
