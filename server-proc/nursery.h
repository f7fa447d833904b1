/*
 * nursery.h — the process that is where the modules are, and that workers are made from.
 *
 * The supervisor must outlive whatever a module does, so it loads none. The nursery loads them,
 * enters the sandbox, once for all, and then does nothing but fork when it is told to:
 *
 *      supervisor ── clone(CLONE_FILES) ──▶ nursery: modules, sandbox
 *          │  ▲                                │ clone(CLONE_FILES | CLONE_PARENT) ──▶ worker
 *          │  └── its children, too ───────────│ clone(CLONE_PARENT) ──▶ nest (--isolation fresh)
 *          └────── orders, by a page of shared memory ──▶
 *
 * CLONE_PARENT makes the supervisor the parent, so it reaps the workers and reads how they ended.
 * The page of orders is not handed down to them: only these two can write to it.
 *
 * All of it is for the supervisor, except nursery_main's own process.
 */
#ifndef SERVER_PROC_NURSERY_H
#define SERVER_PROC_NURSERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/server.h"

enum order { ORDER_WORKER, ORDER_NEST, ORDER_RELOAD, ORDER_CLOSE /* the modules; it ends then */ };

/* Before anything else. False: no memory (errno). */
bool nursery_open(void);
enum start {
    START_READY,
    START_FAILED, /* it has said why */
    START_KILLED, /* somebody has killed it, or there was no room for it: nothing is wrong with it */
    START_STOPPED /* TERM or INT came first, and had to wait too long */
};

/* Starts it and waits until the modules are open and the sandbox is in force. While no worker
 * lives. Should TERM or INT come meanwhile, they wait for `patience` ms, and are in the next result of
 * signals_wait() if that was enough. */
enum start nursery_start(struct server *s, int64_t patience);
/* Before the next child is made, it looks at s->media. False: it could not be told; it has died, and the next
 * one will do so by itself. */
bool nursery_reload(void);
/* Has a child made, the worker of slot `index` or the nest of breed `index` (spare.h); returns its pid, or -1 with errno (ECHILD: the nursery has died). */
pid_t nursery_make(enum order order, size_t index);
/* CPU time in µs that it has used; 0: it is gone. What forking costs, whoever else is busy. */
int64_t nursery_cpu(void);
/* A child has been reaped: was it the nursery? */
bool nursery_reaped(pid_t pid);
/* Ends it, for another to be started: its modules have lost what they had opened. */
void nursery_kill(void);
/* Has the modules closed, and waits for its end for at most `ms`; then it is killed. */
void nursery_close(int64_t ms);

#endif
