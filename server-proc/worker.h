/*
 * worker.h — a worker of server-proc is a process: memory of its own, descriptors shared.
 */
#ifndef SERVER_PROC_WORKER_H
#define SERVER_PROC_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/server.h"

/* Starts the worker of slot `index`. False: the kernel gives no process now (errno).
 * Supervisor only, which must have a single thread. */
bool worker_make(struct server *s, size_t index);

#endif
