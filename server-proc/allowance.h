/*
 * allowance.h — how much forking there may be: a crash storm must not become a fork storm.
 *
 * Making workers may take half of one CPU, measured, and a little in advance: where a fork is
 * cheap nobody notices, where it is dear (a large memory, a machine out of breath) deaths wait for
 * their replacement. After a failure, pauses that double: 10 ms to 1 s.
 *
 * Supervisor only. Times in µs, but for the clock of failures, in ms.
 */
#ifndef SERVER_PROC_ALLOWANCE_H
#define SERVER_PROC_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

struct allowance {
    int64_t credit;     /* µs of forking that may be spent now; below zero: wait */
    int64_t at;         /* monotonic µs: when the credit was last counted */
    int64_t not_before; /* monotonic ms; after a failure */
    int64_t pause;      /* ms */
};

void allowance_open(struct allowance *a, int64_t now);
/* May a worker be made now? */
bool allowance_has(struct allowance *a, int64_t now);
/* One has been made, and it took so much CPU time. */
void allowance_spend(struct allowance *a, int64_t took);
/* None could be made, or it was of no use. now: in ms. */
void allowance_fail(struct allowance *a, int64_t now);

#endif
