/*
 * server_metrics.h — what a Tandem server says of itself: its /metrics, read over HTTP.
 *
 * A blocking GET on a connection of its own, before and after a run, by the main thread. It costs
 * the server one request, which its counter of requests shows in the next reading.
 */
#ifndef LOADTEST_SERVER_METRICS_H
#define LOADTEST_SERVER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../complaint.h"

enum { METRICS_CAUSES = 16, METRICS_WORD = 24 };

struct server_metrics {
    double started_s;       /* seconds since 1970; 0: it does not say */
    uint64_t requests;      /* whole ones that were answered */
    bool tells_watched;     /* whether it counts the next apart */
    uint64_t watched;       /* of `requests`: those that watchers asked by --admin, ourselves too */
    uint64_t refused;       /* answers to what was no whole request */
    uint64_t worker_deaths; /* processes, whatever they were doing */
    struct {
        char cause[METRICS_WORD]; /* "segv", "timeout", … */
        uint64_t requests;        /* of all routes, whose handler was ended by it */
    } killed[METRICS_CAUSES];
    size_t causes;
    double cpu_s;       /* of all its processes, the dead included; < 0: it does not say */
    uint64_t pss_bytes; /* of all its workers; 0: it does not say */
};

/* Reads http://…/metrics. False: nobody answered, or not a Tandem server. */
bool server_metrics_get(const char *url, struct server_metrics *m, struct complaint *why);
/* The same from text in Prometheus' format. False: it has no tandem_requests_total. */
bool server_metrics_parse(const char *text, struct server_metrics *m);
/* Requests whose handler was ended, whatever by. */
uint64_t server_metrics_killed(const struct server_metrics *m);

#endif
