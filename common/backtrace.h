/*
 * backtrace.h — the calls that led to a crash, for the record of crash.h.
 *
 * Called in a signal handler, but for backtrace_learn: allocates nothing, and reads no word of which
 * the kernel has not said that it is there. Each step leaves the record right as far as it goes.
 */
#ifndef TANDEM_BACKTRACE_H
#define TANDEM_BACKTRACE_H

#include <stdint.h>
#include <ucontext.h>

#include "crash.h"

/* One that is being written: begins with the record, and depth 0. The depth is kept here, too,
 * since others can write to the record. */
struct backtrace {
    struct crash *record;
    uint32_t depth;
};

/* Notes down where code lies, of the program and of all that is loaded. Before any other thread. */
void backtrace_learn(void);
/* frames[0]: where it was. */
void backtrace_begin(struct backtrace *t, const ucontext_t *context);
/* The return addresses that are found on its stack. */
void backtrace_walk(struct backtrace *t, const ucontext_t *context);
/* names[]: first of all files, and then, which takes the loader's lock, of symbols. */
void backtrace_name(const struct backtrace *t);

#endif
