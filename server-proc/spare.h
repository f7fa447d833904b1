/*
 * spare.h — --isolation fresh, seen from the worker that calls a spare and from the supervisor.
 * All of it does nothing, at no cost, in --isolation pool.
 */
#ifndef SERVER_PROC_SPARE_H
#define SERVER_PROC_SPARE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/server.h"
#include "common/worker.h"

/* Worker: has a spare run the handler of w->request and waits for the answer, or for the news that
 * it died; that becomes 500 or 504. */
void spare_run(struct worker *w);

/* Supervisor, before the nursery. False: logged. */
bool spare_open(struct server *s);
/* Ends the nest and its spares. */
void spare_close(struct server *s);
/* In the nursery, before and after the modules are opened: what they open, spares need. */
void spare_before_modules(void);
void spare_after_modules(void);
/* In the nursery: what the supervisor has prepared for the nest is taken over, before the supervisor
 * forgets it. Then, in a child: becomes the nest. */
void spare_before_nest(void);
_Noreturn void spare_nest(pid_t supervisor);
/* Kills the spare that works for this owner on the request that `word` of c stands for. False:
 * there is none. */
bool spare_kill(struct server *s, unsigned owner, const struct conn *c, uint64_t word);
/* Sends a signal to the spare that works for this owner. False: there is none. */
bool spare_signal(struct server *s, unsigned owner, int number);
/* A worker has been born; it calls the spares of spare_breed(). */
void spare_born(struct server *s, unsigned owner);
/* This owner has died: what it held is given back, its spare killed. */
void spare_release(struct server *s, unsigned owner);
/* A child has been reaped; perhaps it was the nest. */
void spare_reaped(struct server *s, pid_t pid);
/* Starts the nest, when there is none, and ends the old one when nobody calls its spares any more. */
void spare_tend(struct server *s);
/* Has another nest made, which is what the nursery is now; the workers that live go on with the old one until
 * they end. Not as long as two are in use. */
bool spare_can_renew(const struct server *s);
void spare_renew(const struct server *s);
/* Which of the nests those who are born now will call; and, in the nursery, before it makes one of them, or
 * that nest itself. */
enum { SPARE_BREEDS = 2 };
size_t spare_breed(void);
void spare_use(size_t breed);

#endif
