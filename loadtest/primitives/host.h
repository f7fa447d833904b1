/*
 * host.h — the process in which one line is measured.
 *
 * Why a process each: no line inherits the memory, threads or CPU of another; fork happens in a
 * process that has one thread; a line that crashes or hangs costs itself alone; and whatever a line
 * has started ends with it, since it is all in one process group. (It is what server-proc does for
 * requests.)
 */
#ifndef LOADTEST_PRIMITIVES_HOST_H
#define LOADTEST_PRIMITIVES_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "primitive.h"

struct host {
    pid_t pid; /* 0: none */
    int fd;    /* orders go out, laps come back */
};

/* Starts it and waits until its primitive is open. The caller has one thread, and becomes the
 * reaper of all that hosts leave behind (PR_SET_CHILD_SUBREAPER). False, and `why`, when the
 * primitive cannot be done here; host_end() is still to be called. */
bool host_start(struct host *h, const struct primitive *what, struct complaint *why);
/* One batch. False, and `why`: it failed, died, hung for half a minute, or ^C came. */
bool host_run(struct host *h, uint64_t count, struct lap *lap, struct complaint *why);
/* Kills it with everything it has started, and reaps all of them. */
void host_end(struct host *h);

#endif
