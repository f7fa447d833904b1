/*
 * run.h — `loadtest run`, and the exit statuses of every subcommand.
 */
#ifndef LOADTEST_RUN_H
#define LOADTEST_RUN_H

/* Exit statuses of every subcommand. */
enum { EXIT_HELD = 0, EXIT_FAILED = 1, EXIT_INVALID = 2, EXIT_NOTHING_TESTED = 3 };

/* `loadtest run`, with the arguments after "run"; returns the exit status. `command` is the whole
 * command line, for the record. */
int run_main(int argc, char *const *argv, const char *command);

#endif
