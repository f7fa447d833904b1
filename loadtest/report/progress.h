/*
 * progress.h — how a run is going, once a second on stderr while it lasts: a live panel on a
 * terminal, a line otherwise.
 *
 *   pool, 1 % segv   7 s of 10 s
 *   88,123 ok/s   p50 612 µs   p99 1.23 ms   failed 0   injected 881
 *   ▇▇▇▇▇█▇                 peak 90,004
 *       ▲▲▲                 ▲ fault  × failed
 *
 * Called by the main thread only.
 */
#ifndef LOADTEST_PROGRESS_H
#define LOADTEST_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../engine/timeline.h"
#include "panel.h"

enum { PROGRESS_SECONDS = 60 }; /* as far back as the panel shows */

struct progress {
    bool on;
    const char *label;
    int64_t length_ns;
    struct panel panel;
    struct timeline_row rows[PROGRESS_SECONDS]; /* a ring: second i at i % PROGRESS_SECONDS */
    int64_t marked[PROGRESS_SECONDS];           /* likewise: i + 1 if something was done in it */
    int64_t seconds;                            /* how many were shown */
    bool shaken;                                /* there has been a TLS handshake */
};

/* `label` is put in front (the subject of a demo); NULL for none. `length_ns` is how long the run
 * is meant to last; INT64_MAX when that is not known. */
void progress_init(struct progress *p, bool on, const char *label, int64_t length_ns);
/* Shows a phase before anything is measured: "warming up". */
void progress_phase(struct progress *p, const char *text);
/* Shows second number `index`, which is over; nothing when the run was to end before it, and only
 * the last answers are waited for. */
void progress_second(struct progress *p, struct timeline *t, int64_t index);
/* Something was done to the server, so long after the start of the run. Poisoned requests need not be
 * told: they are counted in the timeline. */
void progress_mark(struct progress *p, int64_t at_ns, const char *kind);
/* Takes the panel away, so that a report can follow. */
void progress_end(struct progress *p);

#endif
