/*
 * worker.h — a worker of server-thread is a thread: memory and descriptors shared.
 */
#ifndef SERVER_THREAD_WORKER_H
#define SERVER_THREAD_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/server.h"

/* From now on, a handler that calls exit() is named on the board. Once, before the first worker. */
bool worker_watch_exit(void);
/* Starts the worker of slot `index`. False: the kernel gives no thread now (errno).
 * By the first thread of the serving process. */
bool worker_make(struct server *s, size_t index);

/* Takes back the threads that have returned. Returns how many of them had been lost before. */
unsigned worker_join_finished(struct server *s);
/* Waits for all of them, until then (monotonic ms); true when none is left. A thread that is in a
 * handler, or lost there, cannot be made to end. */
bool worker_join_all(struct server *s, int64_t until);

#endif
