/*
 * compare_options.h — the options of `loadtest compare`: those of a run, subjects with names, and
 * how often they take turns.
 */
#ifndef LOADTEST_COMPARE_OPTIONS_H
#define LOADTEST_COMPARE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../complaint.h"
#include "../options.h"

enum { COMPARE_MAX = 8, COMPARE_NAME_SIZE = 25 };

/* Texts point into argv. */
struct compare_options {
    struct run_options load; /* first, for its options to store into; its duration and warm-up are
                                those of one round, and its URL is set for each */
    struct {
        char name[COMPARE_NAME_SIZE];
        const char *url;
    } subjects[COMPARE_MAX]; /* the first is what the others are compared with */
    size_t subject_count;
    unsigned rounds;
};

void compare_options_default(struct compare_options *o);
/* Parses the arguments after "compare". False: one line in `why`. */
bool compare_options_parse(struct compare_options *o, int argc, char *const *argv,
                           struct complaint *why);
void compare_options_help(void);

#endif
