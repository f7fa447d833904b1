/*
 * demo_check.h — does the experiment agree with itself? Deaths that the server counted against
 * faults that were injected.
 *
 * A fault that always ends its handler (segv, abort, exit, …) must be a death in the server's books,
 * and nothing else may be. With a process for each worker that is an equation:
 *
 *      requests killed, as the server counts them  =  faults injected
 *
 * less at most those whose end we did not see (unfinished, cut off). Threads die with their process:
 * the first fault kills it, others that were on their way there never run. Then
 *
 *      1 ≤ deaths of the process ≤ requests found guilty of one ≤ faults injected
 *
 * (0 when none of them found a connection: the process may just be being replaced). Of other kinds
 * (hang, leak, …) not each one ends a handler: only the last ≤ holds.
 *
 * Of a scenario, which may mix faults, two kinds can be checked: one whose faults are all deadly
 * requests, as above, and one that kills workers from outside. There
 *
 *      deaths of workers, as the server counts them  ≥  workers killed
 */
#ifndef LOADTEST_DEMO_CHECK_H
#define LOADTEST_DEMO_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "../result.h"

struct demo_check {
    bool known;    /* false: the server did not tell, and nothing else is valid */
    bool deadly;   /* each fault of this kind ends its handler */
    bool together; /* handlers share a process, and die with it */
    bool holds;
    uint64_t injected, unseen; /* of those, how many whose end we did not see */
    uint64_t left;             /* of those injected: they had a connection to leave by */
    uint64_t killed, deaths;   /* requests, processes */
    bool asked;                /* false: faults of which nothing can be said, or none */
    bool outside;              /* workers were killed from outside, and nothing else was done */
    uint64_t kills;            /* … so many */
};

/* `together`: threads. `r` is the run under fault. */
struct demo_check demo_check(const char *kind, bool together, const struct result *r);
/* The same of a run under all of these. */
struct demo_check demo_check_faults(const struct injection *faults, size_t count, bool together,
                                    const struct result *r);

#endif
