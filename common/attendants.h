/*
 * attendants.h — what a supervisor keeps besides its workers: whoever writes the logs, the next binary
 * that is to take its place, the service manager that watches it.
 *
 * Common to both servers, since none of it knows what a worker is. Every function is for the process
 * that keeps the workers (with --one: the only one), which must not wait in any of them.
 */
#ifndef TANDEM_ATTENDANTS_H
#define TANDEM_ATTENDANTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "guard.h"
#include "server.h"

/* Before anything else is started, so that what is forked here holds nothing of the rest. False:
 * logged, and nothing stays open. */
bool attendants_open(struct server *s);

/* What they have open is to stay what it is: from guard_open on, in whichever process shares it with the
 * workers. */
void attendants_guard(struct guard *g);

/* One round of the supervisor's loop. `came` is what signals_wait() returned; so is the result, with
 * SIGNAL_REPLACED added once another generation serves on the same listeners. */
unsigned attendants_tend(struct server *s, unsigned came);

/* A child that has ended, of which the supervisor knows nothing else. True when it was one of these;
 * false: an orphan that came to us as PID 1, whose end means nothing. */
bool attendants_reaped(struct server *s, pid_t pid, int status);

/* The last lines are written, within the time that is left, and all of them are gone. After the last
 * worker. */
void attendants_close(struct server *s);

#endif
