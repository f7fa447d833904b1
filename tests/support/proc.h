/*
 * What /proc says of the processes under test.
 *
 * The black-box tests ask the servers nothing that a client or an operator could not ask; of their
 * processes they know parents, names, threads and descriptor counts, and that is read here.
 */
#ifndef TANDEM_TESTS_PROC_H
#define TANDEM_TESTS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Living children of `parent` (zombies left out); fills up to `max`, returns how many. */
size_t children_of(pid_t parent, pid_t *found, size_t max);

/* Living descendants at any depth, parents before their children. */
size_t descendants_of(pid_t ancestor, pid_t *found, size_t max);

/* Keeps those whose name or title contains `word`; returns how many are left. */
size_t keep_named(pid_t *pids, size_t count, const char *word);

/* True when no such process runs; a zombie does not run. */
bool process_gone(pid_t pid);

/* Open descriptors of a process; -1 when it is gone. */
int open_descriptors(pid_t pid);

/* Threads of a process; -1 when it is gone. */
int thread_count(pid_t pid);

#endif
