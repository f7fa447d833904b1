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
#include <stdint.h>
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

/*
 * Which of a process's descriptors that is; -1 when it has no such one, or may not be looked at.
 * A socket of 127.0.0.1 is named by its own port and its client's (0: the listener); anything else
 * by what /proc calls it, such as "anon_inode:[eventpoll]".
 */
int descriptor_of_socket(pid_t pid, uint16_t port, uint16_t client);
int descriptor_called(pid_t pid, const char *name);

/* Bytes of memory that is a process's own (anonymous, resident); 0 when it is gone. */
size_t own_memory(pid_t pid);

/*
 * Bytes of memory a process has in use, each page divided by the number of those who share it
 * (PSS); undivided (RSS) where the kernel does not let us read that.  Without the pages of files:
 * who else on the machine has the same library mapped is no matter of the process.  0 when it is
 * gone.
 */
size_t share_of_memory(pid_t pid);

/* Threads of a process; -1 when it is gone. */
int thread_count(pid_t pid);

#endif
