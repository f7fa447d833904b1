/*
 * options.h — the options of `loadtest run`, checked and in units the program counts in.
 */
#ifndef LOADTEST_OPTIONS_H
#define LOADTEST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "complaint.h"
#include "engine/schedule.h"
#include "engine/tls.h"
#include "expect.h"
#include "hlog/runlog.h"
#include "optparse.h"
#include "result.h"
#include "target/target.h"
#include "target/urls.h"

enum {
    MAX_URLS = 16,
    MAX_HEADERS = 64,
    MAX_EXPECTATIONS = 16,
    MAX_CONNECTIONS = 100000,
    MAX_DEPTH = 1024
};

/* What was said by the command line, or so far by the scenario. */
struct given {
    bool urls, duration, method, rate, stages;
};

/* Texts point into argv, or into the files that are owned here. */
struct run_options {
    const char *urls[MAX_URLS]; /* of the command line */
    size_t url_count;
    struct url_list listed;               /* of --urls */
    unsigned connections, threads, depth; /* threads 0: chosen from the CPUs */
    int64_t duration_ns;                  /* INT64_MAX: until `requests` are done */
    int64_t warmup_ns;                    /* -1: 1 s when something is injected, else none */
    int64_t timeout_ns;
    uint64_t requests;        /* UINT64_MAX: for the duration */
    double rate;              /* -R, or the mean of --stages; 0: closed loop */
    struct schedule schedule; /* --stages, --arrivals */
    struct dress dress;
    struct tls_choice tls;
    const char *headers[MAX_HEADERS];
    uint64_t seed;
    struct injection injections[MAX_INJECTIONS];
    size_t injection_count;
    const char *inject_urls[MAX_INJECTIONS]; /* KIND=URL */
    size_t inject_url_count;
    struct expectation expectations[MAX_EXPECTATIONS];
    size_t expectation_count;
    const char *json, *csv, *html; /* file names, "-" for stdout */
    const char *hlog;              /* file name */
    struct runlog *log;         /* that file, opened by the caller of run_measure(); NULL: none */
    int64_t resolve_ns;         /* names are asked for again so often; 0: only before the run */
    const char *start;          /* command of the server to start; NULL: none */
    const char *server_metrics; /* URL; NULL: none */
    struct subject *subject; /* what process faults act on, where it is not for --start to say; not
                                owned */
    struct steady steady;
    bool quiet, help, version;
    const char *scenario; /* its name; NULL: none */
    char scenario_title[128];
    const char *folder; /* of the scenario, while it is read */
    char *scenario_text, *body_text;
    struct given given;
};

void run_options_default(struct run_options *o);
/* Parses the arguments after "run": first the scenario they name, if any, then the arguments, which
 * win. False: one line in `why`. */
bool run_options_parse(struct run_options *o, int argc, char *const *argv, struct complaint *why);
/* One line of a scenario: an option by its long name; value NULL: there is none. */
bool run_options_set(struct run_options *o, const char *name, const char *value,
                     struct complaint *why);
/* Checks what only shows when all is known, and fills in what follows from it. For who reads a
 * scenario on its own, or takes options one by one; run_options_parse() does it. */
bool run_options_settle(struct run_options *o, struct complaint *why);
/* The first URL under load, of the command line or else of --urls; once they are settled. */
const char *run_options_first_url(const struct run_options *o);
/* Frees what files were read for it; after success and failure. */
void run_options_free(struct run_options *o);
void run_options_help(FILE *out);

/* For other subcommands that load servers: the option called `name` (without its dashes; it stores
 * into a struct run_options), NULL when there is none; then run_options_settle(). */
const struct option_spec *run_option(const char *name);

#endif
