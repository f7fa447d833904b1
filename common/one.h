/*
 * one.h — --one: no children and no threads, for a debugger or valgrind.
 */
#ifndef TANDEM_ONE_H
#define TANDEM_ONE_H

#include "server.h"

/* Serves with a single worker in the calling process until TERM or INT; returns the exit code.
 * Nobody watches over this worker: a crash ends it all, and --request-timeout is not enforced. */
int one_run(struct server *s);

#endif
