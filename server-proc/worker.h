/*
 * worker.h — a worker of server-proc is a process: memory of its own, descriptors shared.
 */
#ifndef SERVER_PROC_WORKER_H
#define SERVER_PROC_WORKER_H

#include <stddef.h>
#include <sys/types.h>

#include "common/server.h"

/* Starts the worker of slot `index`; the kernel writes its pid to *pid, before it runs. Nothing is
 * written when there is no process to be had now (errno). Nursery only, which must have a single
 * thread. */
void worker_make(struct server *s, size_t index, pid_t supervisor, pid_t *pid);

#endif
