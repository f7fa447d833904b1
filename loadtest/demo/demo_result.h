/*
 * demo_result.h — what the demonstration measured: three subjects, each steady and under fault, or
 * each in every scenario.
 *
 * Filled in by demo_experiment.c and demo_scenarios.c, read by demo_report.c (the table and the
 * words), demo_html.c and demo_json.c, and by demo_scenarios_report.c and demo_scenarios_html.c.
 */
#ifndef LOADTEST_DEMO_RESULT_H
#define LOADTEST_DEMO_RESULT_H

#include <stdbool.h>
#include <stdio.h>

#include "../options.h"
#include "../result.h"
#include "../server/procstat.h"
#include "demo_check.h"
#include "demo_options.h"

enum { STEADY, FAULTY, RUNS };
enum { DEMO_NAME = 64 };

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

/* A subject in a scenario. */
struct demo_case {
    struct demo_run run;      /* its result's `steady` is the yardstick: the run without faults */
    struct demo_check check;  /* of it, once it is done */
    struct complaint trouble; /* why it is missing; empty if it is not */
};

struct demo_scenario {
    char name[DEMO_NAME];       /* of its file, without folder and ending */
    struct run_options options; /* its lines, fitted to the demonstration; URLs are paths */
    struct demo_case cases[SUBJECTS];
};

struct demo {
    const struct demo_options *options;
    const char *command;
    int server_cpu;                         /* -1: not pinned */
    struct demo_subject subjects[SUBJECTS]; /* of the experiment; with scenarios their names only */
    struct demo_scenario *scenarios;        /* owned; NULL: the experiment instead */
    size_t scenario_count;
};

/* The table, and what it means in plain words. Every sentence follows from the numbers. */
void demo_report(FILE *out, const struct demo *d);
/* Its second half alone: what happened, and what it means. */
void demo_findings(FILE *out, const struct demo *d);
/* The same results as a page, with the subjects side by side on one time axis. */
void demo_html(FILE *out, const struct demo *d);
/* The same of scenarios: a table and a few words for each. */
void demo_scenarios_report(FILE *out, const struct demo *d);
void demo_scenarios_html(FILE *out, const struct demo *d);
/* What happened in one scenario, as lines indented by two. */
void demo_scenario_findings(FILE *out, const struct demo_scenario *s);
void demo_json(FILE *out, const struct demo *d);

#endif
