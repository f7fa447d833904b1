/*
 * death.h — how a worker, or the child that ran its request, came to its end; in words, in an HTTP
 * status, in figures.
 */
#ifndef TANDEM_DEATH_H
#define TANDEM_DEATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include "scoreboard.h"

/* What a request may not use up; the keeper, or the child's own timer, ends it then. */
enum budget { BUDGET_NONE, BUDGET_TIME, BUDGET_CPU };

struct death {
    int status;                /* as wait4 gives it */
    enum budget over;          /* it was killed for this */
    struct rusage usage;       /* since the worker's start */
    const struct crash *crash; /* NULL: it has left no record */
};

enum cause death_kind(const struct death *d);

enum { DEATH_CAUSE_SIZE = 64 };

/* "SIGSEGV (Segmentation fault)", "exit code 3", "the request timeout". Returns `out`. */
const char *death_cause(const struct death *d, char out[DEATH_CAUSE_SIZE]);
/* The line in the error log: who, of what, where, on which request, and what it had used. `who` is
 * "worker" or "the child of worker"; `where` NULL: it ran no request;
 * `names_request`: the slot tells of the request that is meant. Enters it among the obituaries. */
void death_log(struct scoreboard *b, const struct worker_slot *slot, const char *who,
               const struct death *d, const char *where, bool names_request);
/* Enters it among the obituaries on the board; the same without the line. `slot` NULL: it was the process
 * of all workers. */
void death_enter(struct scoreboard *b, const struct worker_slot *slot, const struct death *d,
                 const char *where, bool names_request);
/* "the handler was ended by SIGSEGV (…)": for the client. */
const char *death_detail(const struct death *d, char out[2 * DEATH_CAUSE_SIZE]);
/* The status its client gets: 504 for the time, 503 for another budget, else 500. */
int death_status(const struct death *d);
/* Counts it for the route that the slot names, and for --quarantine; logs when the route is put
 * aside by it, or would be if that were asked for. */
void death_count(struct scoreboard *b, const struct worker_slot *slot, const struct death *d,
                 const struct quarantine_rule *rule);

#endif
