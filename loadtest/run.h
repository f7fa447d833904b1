/*
 * run.h — the runner: the one place that knows target, engine, result and report.
 */
#ifndef LOADTEST_RUN_H
#define LOADTEST_RUN_H

#include <stdbool.h>

#include "complaint.h"
#include "options.h"
#include "result.h"

/* Exit statuses of every subcommand. */
enum { EXIT_HELD = 0, EXIT_FAILED = 1, EXIT_INVALID = 2, EXIT_NOTHING_TESTED = 3 };

/* `loadtest run`, with the arguments after "run"; returns the exit status. `command` is the whole
 * command line, for the record. */
int run_main(int argc, char *const *argv, const char *command);

/* Does one run and fills in `result` (free it with result_free()). `label` goes in front of
 * progress lines, NULL for none. False: nothing was run, and `why` says why. */
bool run_measure(const struct run_options *o, const char *label, struct result *result,
                 struct complaint *why);

#endif
