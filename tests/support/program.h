/*
 * Programs as a test starts them: with files for their output and a bound on their life.
 *
 * Every process started here dies with the test process (PR_SET_PDEATHSIG), so that a failing test
 * leaves nothing behind.
 */
#ifndef TANDEM_TESTS_PROGRAM_H
#define TANDEM_TESTS_PROGRAM_H

#include "bytes.h"

#include <stdbool.h>
#include <sys/types.h>

/* How to start a program; everything but argv may be left out. */
struct program {
    const char *const *argv;        /* argv[0] is looked up in PATH when it holds no slash */
    const char *const *environment; /* "NAME=value" added to the test's own, NULL-terminated */
    const char *output;             /* file for stdout; NULL: /dev/null */
    const char *errors;             /* file for stderr; NULL: /dev/null */
    void (*before_exec)(void);      /* runs in the child, e.g. to lower a limit */
};

/* Starts it and returns at once; the caller reaps with program_end. */
pid_t program_start(const struct program *program);

/*
 * Waits for the end; a program that takes longer than `ms` is killed and -1 returned.  Otherwise
 * its exit code, or 128 + signal when a signal ended it.
 */
int program_end(pid_t pid, int ms);

/* What a program left behind; outcome_free gives it back. */
struct outcome {
    int code; /* as program_end */
    struct bytes output;
    struct bytes errors;
};

/* Runs a program to its end, at most `ms`. */
struct outcome program_run(struct program program, int ms);
void outcome_free(struct outcome *outcome);

/* True when PATH has such a program. */
bool program_exists(const char *name);

#endif
