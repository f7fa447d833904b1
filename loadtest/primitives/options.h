/*
 * options.h — the options of `loadtest primitives`.
 */
#ifndef LOADTEST_PRIMITIVES_OPTIONS_H
#define LOADTEST_PRIMITIVES_OPTIONS_H

#include <stdbool.h>

#include "../complaint.h"
#include "primitive.h"

enum { GROUPS = 7 };

/* In the order in which they are measured and told. */
extern const struct group *const primitive_groups[GROUPS];

/* Texts point into argv. */
struct primitives_options {
    const struct group *only; /* NULL: all */
    const char *json;
    bool quick, quiet, help, version;
};

bool primitives_options_parse(struct primitives_options *o, int argc, char *const *argv,
                              struct complaint *why);
void primitives_options_help(void);

#endif
