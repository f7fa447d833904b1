/*
 * process_fault.h — signals to the server's processes, at the moments of the time table.
 *
 *   kill-worker   SIGKILL to one worker, chosen with the run's seed (who is a worker: procstat.h)
 *   freeze        SIGSTOP to the server and everything below it, SIGCONT after a while
 *   restart       TERM, wait for the end, start again with the same command
 *   reload        HUP to the server
 *
 * Only a server that loadtest started is touched. Everything here is done by the main thread, which
 * has nothing else to do during a run; the engine knows nothing of it.
 */
#ifndef LOADTEST_PROCESS_FAULT_H
#define LOADTEST_PROCESS_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "../complaint.h"
#include "../target/fault.h"
#include "../target/rng.h"
#include "subject.h"

struct process_faults {
    struct subject *subject;
    const struct injection *table; /* those of other levels are left alone */
    size_t count;
    int64_t end_ns;                  /* no fault is begun then or later */
    int64_t next_ns[MAX_INJECTIONS]; /* monotonic; INT64_MAX: no more */
    int64_t thaw_ns;                 /* when what is frozen goes on; INT64_MAX: nothing is */
    struct rng rng;
    struct complaint trouble; /* the first fault that could not be done; empty if none */
};

/* The measured run lasts from `start_ns` to `end_ns` (monotonic; INT64_MAX: open). The table must outlive it. */
void process_faults_init(struct process_faults *f, struct subject *subject,
                         const struct injection *table, size_t count, uint64_t seed,
                         int64_t start_ns, int64_t end_ns);
/* When there is something to do next (monotonic); INT64_MAX: never. */
int64_t process_faults_next_ns(const struct process_faults *f);
/* Does one thing whose moment has come. Returns the kind of the fault that was begun; NULL when
 * nothing was (nothing due, or what was frozen went on, or there is `trouble`). */
const char *process_faults_act(struct process_faults *f, int64_t now_ns);
/* Lets go on what is still frozen. At the end of the run. */
void process_faults_end(struct process_faults *f);

#endif
