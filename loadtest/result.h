/*
 * result.h — what a run found out, in the form that reports and expectations read.
 *
 * Filled in once by the runner, after all threads have ended; read-only from then on.
 */
#ifndef LOADTEST_RESULT_H
#define LOADTEST_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/tally.h"
#include "engine/timeline.h"
#include "server/reconcile.h"
#include "target/fault.h"

/* What an undisturbed run of the same kind looked like. Zero: unknown. */
struct steady {
    int64_t p99_us;   /* corrected */
    uint64_t victims; /* requests that failed or were slow even so */
    double rps;
    double success;     /* answered well, of all that ended; 0: unknown, taken for 1 */
    const char *source; /* "the warm-up", … for the report; NULL: there is none */
};

struct victims {
    uint64_t failed;    /* innocent requests that failed */
    uint64_t slow;      /* answered, but only after more than threshold_us */
    uint64_t waiting;   /* not answered, and waiting for longer than that, at the end of the run */
    uint64_t allowance; /* what the steady run had */
    int64_t threshold_us; /* ten times the steady p99; 0: no steady run, nothing counts as slow */
    uint64_t total;
    /* What the slow and the waiting ones took longer than the steady p99; failures have no
     * latency. */
    double delay_sum_us;
    int64_t delay_max_us;
};

/* How the service came back after what was done to it: see recovery.h for the definitions. */
struct recovery {
    bool known;    /* false: nothing was done at a known moment, or there is no steady run */
    bool complete; /* after every mark it was back in band, before the next one and the end */
    double
        seconds; /* the longest from a mark until it was back; of one after which it was not, until
                       the next mark or the end: at least so long */
    double resolution_s;  /* the step in which this was looked at */
    int64_t p99_limit_us; /* of the band */
    bool goodput_known;   /* there is a steady rate, and something was done */
    double goodput_lost;  /* innocent answers that a steady run would have had, and this had not */
};

enum { MAX_MARKS = 256 };

struct result {
    /* The experiment. */
    const char *command;  /* owned by the caller, as are all texts here */
    const char *scenario; /* the title of its file; NULL: none */
    char started[32];     /* ISO 8601, UTC */
    uint64_t seed;
    unsigned connections, threads, depth;
    double rate; /* the schedule's mean; 0: closed loop */
    struct schedule schedule;
    double share; /* of the requests that were poisoned by share */
    int64_t timeout_ns;

    /* What was measured. */
    struct tally *tally;  /* owned */
    struct tally *warmup; /* owned */
    struct timeline timeline;
    struct engine_facts facts;
    struct server_side server; /* what it said of itself, if it was asked */
    struct steady steady;
    struct mark marks[MAX_MARKS]; /* in the order of time; further ones are counted only */
    size_t mark_count;            /* all of them */
    struct complaint trouble; /* what spoilt the run: a fault that could not be done, …; or "" */

    /* What follows from it. */
    double rps;                     /* requests answered well, per second */
    double full_rate, resumed_rate; /* TLS handshakes per second, of those within the run */
    struct victims victims;
    struct recovery recovery;
    double without_service_s, resolution_s;
    bool limited;            /* the generator was the bottleneck */
    const char *limited_why; /* in words; NULL unless limited */
    const char *invalid;     /* why the run must not be used; NULL when it may */
};

/* Notes that a fault was done then; marks may come in any order of time. */
void result_mark(struct result *r, int64_t at_ns, const char *kind);
/* Works out the last group from the others. */
void result_conclude(struct result *r);
/* How many requests the schedule wanted in row `i` of the timeline, per second, as far as the row lies
 * within the run; 0: it is after the end, or the loop is closed. */
double result_due_rate(const struct result *r, size_t i);
void result_free(struct result *r);

#endif
