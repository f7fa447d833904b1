/*
 * options.h — the options of `loadtest run`, checked and in units the program counts in.
 */
#ifndef LOADTEST_OPTIONS_H
#define LOADTEST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complaint.h"
#include "expect.h"
#include "result.h"
#include "target.h"

enum { MAX_HEADERS = 64, MAX_EXPECTATIONS = 16, MAX_CONNECTIONS = 100000, MAX_DEPTH = 1024 };

/* Texts point into argv; `body` is owned when it came from a file (kept until exit). */
struct run_options {
    const char *urls[MAX_URLS];
    size_t url_count;
    unsigned connections, threads, depth; /* threads 0: chosen from the CPUs */
    int64_t duration_ns;                  /* INT64_MAX: until `requests` are done */
    int64_t warmup_ns;                    /* -1: 1 s when something is injected, else none */
    int64_t timeout_ns;
    uint64_t requests; /* UINT64_MAX: for the duration */
    double rate;
    struct dress dress;
    const char *headers[MAX_HEADERS];
    uint64_t seed;
    struct injection injections[MAX_INJECTIONS];
    size_t injection_count;
    const char *inject_urls[MAX_INJECTIONS]; /* KIND=URL */
    size_t inject_url_count;
    struct expectation expectations[MAX_EXPECTATIONS];
    size_t expectation_count;
    const char *json, *csv, *html; /* file names, "-" for stdout */
    struct steady steady;
    bool quiet, help, version;
    bool given_duration, given_method;
};

void run_options_default(struct run_options *o);
/* Parses the arguments after "run". False: one line in `why`. */
bool run_options_parse(struct run_options *o, int argc, char *const *argv, struct complaint *why);
void run_options_help(void);

#endif
