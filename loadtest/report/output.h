/*
 * output.h — a file that a report goes to: opened before the run, so that a bad name costs no run.
 */
#ifndef LOADTEST_OUTPUT_H
#define LOADTEST_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "../complaint.h"

struct output {
    const char *name; /* of the file, "-" for stdout; NULL: not wanted. Not owned */
    FILE *file;       /* NULL: not wanted, or not open */
};

/* Opens all `count` of them, NULL-named ones aside. At most one may be stdout. False: one line in
 * `why`, and none is open. */
bool outputs_open(struct output *outputs, size_t count, struct complaint *why);
/* Whether one of them is stdout, where then no other text may go. */
bool outputs_take_stdout(const struct output *outputs, size_t count);
/* Closes them, each but stdout. False when something could not be written: one line in `why`. */
bool outputs_close(struct output *outputs, size_t count, struct complaint *why);
/* The same when there is nothing to tell; whatever is wrong has been said. */
void outputs_give_up(struct output *outputs, size_t count);

#endif
