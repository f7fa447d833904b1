/*
 * compare.h — `loadtest compare`: the same load on two or more servers in turns, and what may be
 * said about the difference.
 *
 * compare.c makes the rounds, compare_verdict.c turns them into findings, compare_report.c,
 * compare_json.c, compare_csv.c and compare_html.c tell them. Main thread only; after comparison_conclude() nothing changes any more.
 */
#ifndef LOADTEST_COMPARE_H
#define LOADTEST_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../complaint.h"
#include "../engine/tally.h"
#include "../server/listener_owner.h"
#include "../target/url.h"
#include "compare_options.h"
#include "stats.h"

#define COMPARE_CONFIDENCE 0.99 /* of all intervals of a comparison together */

/* What is compared. Of the first more is better, of the others less. */
enum figure { FIGURE_RPS, FIGURE_CPU, FIGURE_P50, FIGURE_P99, FIGURES };

/* One subject's turn. Rounds lie on one time axis, that of the whole comparison. */
struct round {
    double at_s, seconds;    /* its measured part: when it began, and its length */
    double figures[FIGURES]; /* requests/s; µs; NAN: not known, or nothing to take it from */
    uint64_t ok, failed;
    bool limited;        /* the generator was the bottleneck */
    const char *invalid; /* why it is not used; NULL when it is */
};

struct compare_subject {
    const char *name, *url; /* of the options */
    struct address address;
    struct listener_owner server; /* pid 0: see server_unknown */
    struct complaint server_unknown;
    struct round *rounds; /* owned; as many as were asked for, rounds_done of them filled in */
    struct tally *total;  /* owned; of all rounds that are used */
    size_t limited, invalid;
};

enum verdict { VERDICT_UNKNOWN, VERDICT_NOT_SHOWN, VERDICT_FASTER, VERDICT_SLOWER, VERDICT_MIXED };

/* One figure of one subject, beside the first subject's. */
struct finding {
    double base, other;    /* medians of the rounds */
    struct estimate ratio; /* other / base, from the ratios of the single rounds */
    size_t pairs;          /* rounds in which both are known */
    enum verdict verdict;
};

struct comparison {
    const struct compare_options *options;
    const char *command;
    char started[32]; /* ISO 8601, UTC */
    int64_t start_ns;
    struct compare_subject subjects[COMPARE_MAX];
    size_t rounds_done;

    /* What follows from it. */
    double confidence;                             /* of a single interval */
    struct finding findings[COMPARE_MAX][FIGURES]; /* [0] stays empty */
    enum verdict overall[COMPARE_MAX];
    bool unequal_failures[COMPARE_MAX]; /* it fails another share of its requests than the first */
};

/* `loadtest compare`, with the arguments after "compare"; returns the exit status. */
int compare_main(int argc, char *const *argv, const char *command);

/* Works out the last group from the rounds. */
void comparison_conclude(struct comparison *c);
/* "faster", "no difference shown", … */
const char *verdict_name(enum verdict v);
/* "requests/s", "CPU/request", … */
const char *figure_name(enum figure f);
/* "rps", "p99_us": as in JSON and CSV, with its unit. */
const char *figure_key(enum figure f);

void compare_report(FILE *out, const struct comparison *c);
void compare_json(FILE *out, const struct comparison *c);
/* A row for each round and subject (RFC 4180, as `run` has it); what is not known is empty. */
void compare_csv(FILE *out, const struct comparison *c);
/* The page: see report_html.h. */
void compare_html(FILE *out, const struct comparison *c);

#endif
