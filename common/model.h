/*
 * model.h — what a server folder must define: how workers come into being, and what is done when
 * one fails. Everything else is common. The linker decides which model a binary has.
 *
 * A model promises the core:
 *   - a worker runs serve() and nothing else, with an owner number of its own (slot index + 1);
 *   - no two living workers have the same number;
 *   - whoever shares the workers' descriptors calls keeper_tick() every few milliseconds;
 *   - when a worker has died, what it owned is handed to keeper_bury() before its number is reused.
 * The core may not assume:
 *   - that memory a handler wrote is seen by the next request;
 *   - that a worker which calls a handler ever comes back from it.
 */
#ifndef TANDEM_MODEL_H
#define TANDEM_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "server.h"

struct worker;
struct guard;

extern const char model_program[];  /* "server-proc" */
extern const bool model_isolates;   /* has --isolation and --spare */
extern const char model_promises[]; /* one line for the start-up log: what this model cannot give */

/* Slots the scoreboard needs for this model. */
size_t model_slots(const struct options *o);
/* Serves until it is drained; returns the exit code. Called once, by the first process. */
int model_run(struct server *s);
/* Only where --tls-listen is given. Whether certificates and keys are good, for --check. False: logged.
 * By the first process. */
bool model_check_tls(const struct options *o);
/* Whatever speaks TLS here is made ready, and s->tls, s->handover with it. Before the epoll is opened,
 * by the process that opens it. False: logged. */
bool model_open_tls(struct server *s);
void model_close_tls(struct server *s);
/* With --one, every few ms: what the supervisor sees to otherwise. */
void model_tend_tls(struct server *s, struct guard *g, bool is_to_reload);
/* For the keeper: CPU time in ns that the worker in this slot has used since its birth; -1: it cannot
 * be had. */
int64_t model_cpu(size_t index);
/* For the keeper: interrupts the system call the worker in this slot waits in. */
void model_tell(size_t index);
/* The worker in this slot, if it waits for something to do, looks up; if it does not, it will before it waits
 * again. Its handler notices nothing. By whoever makes the workers. */
void model_wake(size_t index);
/* In a worker: its connection was taken away while the handler ran (the client has had its 504).
 * True: the worker goes on with other work; false: it returns from serve(). */
bool model_disowned(struct worker *w);

#endif
