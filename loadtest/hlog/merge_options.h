/*
 * merge_options.h — the options of `loadtest merge`.
 */
#ifndef LOADTEST_MERGE_OPTIONS_H
#define LOADTEST_MERGE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "../complaint.h"

enum { MERGE_FILES_MAX = 1024 };

/* Texts point into argv. */
struct merge_options {
    const char *files[MERGE_FILES_MAX];
    size_t file_count;
    const char *hlog; /* file name; NULL: no log is written */
    const char *json; /* file name, "-" for stdout */
    bool help, version;
};

bool merge_options_parse(struct merge_options *o, int argc, char *const *argv,
                         struct complaint *why);
void merge_options_help(void);

#endif
