/*
 * demo_result.h — what the demonstration measured: three subjects, each steady and under fault.
 *
 * Filled in by demo.c, read by demo_report.c (the table and the words), demo_html.c and demo_json.c.
 */
#ifndef LOADTEST_DEMO_RESULT_H
#define LOADTEST_DEMO_RESULT_H

#include <stdbool.h>
#include <stdio.h>

#include "demo_check.h"
#include "demo_options.h"
#include "procstat.h"
#include "result.h"

enum { THREAD, POOL, FRESH, SUBJECTS };
enum { STEADY, FAULTY, RUNS };

struct demo_run {
    bool done; /* false: not reached, or failed; nothing else is valid then */
    struct result result;
    double cpu_us; /* server's CPU per answered request, dead children included; < 0 unknown */
    struct tree_usage use; /* right after the run */
    uint64_t memory; /* PSS in bytes: of all processes where /proc lets us read it; 0: unknown */
    bool memory_of_workers; /* /proc did not: of the workers alone, as they tell in /metrics */
};

struct demo_subject {
    const char *name;
    struct demo_run runs[RUNS];
    struct demo_check check;  /* of the run under fault, once it is done */
    struct complaint trouble; /* why a run is missing; empty if none is */
};

struct demo {
    const struct demo_options *options;
    const char *command;
    int server_cpu; /* -1: not pinned */
    struct demo_subject subjects[SUBJECTS];
};

/* The table, and what it means in plain words. Every sentence follows from the numbers. */
void demo_report(FILE *out, const struct demo *d);
/* Its second half alone: what happened, and what it means. */
void demo_findings(FILE *out, const struct demo *d);
/* The same results as a page, with the subjects side by side on one time axis. */
void demo_html(FILE *out, const struct demo *d);
void demo_json(FILE *out, const struct demo *d);

#endif
