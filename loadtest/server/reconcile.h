/*
 * reconcile.h — both sides of the ledger: what the server counted, and what we saw of it.
 *
 * The server counts a request before it sends the answer. So of what we sent, in the warm-up and in
 * the run,
 *
 *      answered  ≤  counted by the server  ≤  answered + unseen
 *
 * where `unseen` are the requests that left, and whose answer we did not see whole: reset, closed,
 * truncated, malformed, deadline, unfinished. When there are none, the two are equal. `difference`
 * is counted − answered. Our own readings of /metrics are taken off, and those of other watchers, as far
 * as the server counts apart what came by --admin: a container's health check, a Prometheus.
 *
 * Outside these bounds one of the two counted wrongly, or somebody else used the server: the run is
 * invalid. A server that was started again in between has lost its count, and nothing can be said.
 */
#ifndef LOADTEST_RECONCILE_H
#define LOADTEST_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "../engine/ledger.h"
#include "server_metrics.h"

/* The server's side of one run. */
struct server_side {
    bool asked; /* there are readings; else nothing here is valid */
    struct server_metrics before, after;
    uint64_t readings;        /* of our own, that the second one counts: at least 1 … */
    uint64_t failed_readings; /* … and perhaps these */
    bool comparable;          /* it is the same server, and was not started again */
    uint64_t watchers;        /* what was asked by --admin, as far as we know */
    uint64_t counted, answered, unseen;
    int64_t difference;
    bool reconciled;
    uint64_t killed, worker_deaths; /* during the run; 0 unless comparable */
    double cpu_s;                   /* during the run and the warm-up; < 0: it does not say */
};

/* Readings before and after: the server may be in trouble after, so that is tried for a while. */
bool reconcile_before(const char *url, struct server_side *s, struct complaint *why);
bool reconcile_after(const char *url, struct server_side *s, struct complaint *why);
/* Works out the rest from the two ledgers. */
void reconcile(struct server_side *s, const struct ledger *run, const struct ledger *warmup);
/* How many requests died of `cause` (NULL: of any) during the run. */
uint64_t reconcile_killed(const struct server_side *s, const char *cause);
/* Its CPU time for each request that it counted, µs; < 0: unknown. */
double reconcile_cpu_us(const struct server_side *s);

#endif
