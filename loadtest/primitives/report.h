/*
 * report.h — telling what was found, to people and to programs.
 */
#ifndef LOADTEST_PRIMITIVES_REPORT_H
#define LOADTEST_PRIMITIVES_REPORT_H

#include <stdio.h>

#include "measure.h"

struct survey {
    const char *command;
    char started[32]; /* ISO 8601, UTC */
    const struct plan *plan;
    struct findings findings[8];
    size_t count; /* of groups */
};

/* Tables, and below each its sentences. Write errors stay in `out` (ferror). */
void survey_text(FILE *out, const struct survey *s);
void survey_json(FILE *out, const struct survey *s);

#endif
