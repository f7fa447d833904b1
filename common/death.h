/*
 * death.h — how a worker, or the child that ran its request, came to its end.
 */
#ifndef TANDEM_DEATH_H
#define TANDEM_DEATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include "scoreboard.h"

struct death {
    int status;      /* as wait4 gives it */
    bool is_overdue; /* it was killed for its request's deadline */
    struct rusage usage;
};

enum { DEATH_CAUSE_SIZE = 64 };

/* "SIGSEGV (Segmentation fault)", "exit code 3", "the request timeout". Returns `out`. */
const char *death_cause(const struct death *d, char out[DEATH_CAUSE_SIZE]);
/* The line in the error log: who, of what, where, on which request, and what it had used. `who` is
 * "worker" or "the child of worker"; `where` NULL: it ran no request;
 * `names_request`: the slot tells of the request that is meant. */
void death_log(const struct scoreboard *b, const struct worker_slot *slot, const char *who,
               const struct death *d, const char *where, bool names_request);
/* "the handler was ended by SIGSEGV (…)": for the client. */
const char *death_detail(const struct death *d, char out[2 * DEATH_CAUSE_SIZE]);
/* The status its client gets: 504 for a deadline, else 500. */
int death_status(const struct death *d);

#endif
