/*
 * subject.h — a server that loadtest starts itself, and is sure to stop again.
 *
 * Owned by the main thread. The server is told to die with its parent (PR_SET_PDEATHSIG), and has a
 * process group of its own, so that ^C on the terminal reaches loadtest alone, which then stops the
 * server in its own time.
 */
#ifndef LOADTEST_SUBJECT_H
#define LOADTEST_SUBJECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "complaint.h"

enum { SUBJECT_ADDRESS_MAX = 128, SUBJECT_READY_FD = 3 };

struct subject {
    pid_t pid;                         /* -1: not running */
    char address[SUBJECT_ADDRESS_MAX]; /* "127.0.0.1:34567", as the server said it */
};

/* Starts argv[0] with its stdout and stderr in file `log`, on CPU number `cpu` alone (-1: on any),
 * and waits until it writes "ready ADDR:PORT" to descriptor SUBJECT_READY_FD, ten seconds at most.
 * On failure `why` holds what the server had to say, and nothing is left running. */
bool subject_start(struct subject *s, char *const *argv, const char *log, int cpu,
                   struct complaint *why);
/* TERM, then KILL when it has not ended in five seconds. Does nothing when it is not running. */
void subject_stop(struct subject *s);

#endif
