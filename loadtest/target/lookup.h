/*
 * lookup.h — a name is asked for again while the load runs (--resolve), as those clients do it that
 * find their servers by DNS: the replicas behind it come and go.
 *
 *      one thread, every so often: resolver ─▶ a new list, if it differs ─▶ published in the endpoint
 *      sending threads: each new connection goes to the next address of the list that is there
 *
 * A list is never changed once it is published, and stays until the target is freed. When the resolver
 * fails, the last list holds.
 */
#ifndef LOADTEST_LOOKUP_H
#define LOADTEST_LOOKUP_H

#include <stdint.h>

#include "../complaint.h"
#include "target.h"

struct lookup;

/* Asks for all names of `t` now, and then every `every_ns`, in a thread of its own. NULL: one line in
 * `why`. Main thread, before the engine starts; `t` must outlive it. */
struct lookup *lookup_start(struct target *t, int64_t every_ns, struct complaint *why);
/* Waits for the thread's end: it may be waiting for the resolver. NULL is fine. */
void lookup_stop(struct lookup *l);

#endif
