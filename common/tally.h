/*
 * tally.h — what is counted at each request, without a lock and without a locked instruction.
 *
 *      tally 0     the keeper's: what it answers in a dead worker's place, births, waiting
 *      tally 1 …   the worker's in slot 0 …, and after its death that of whoever takes over the slot
 *
 * Each tally has one writer at any time, which may die in the middle of it: a number is then there or
 * not, nothing is held and nothing is half. Not in the workers' slots: whoever takes over a slot, or
 * ruins it, changes nothing here; and each begins on a cache line of its own. Nothing is ever taken
 * back, so the sums do not fall while the server lives. Whoever scribbles over a tally makes its
 * numbers wrong and those of no other; readers expect nothing but numbers.
 *
 * In shared memory that outlives every worker. Memory that nobody counts in, or reads, costs none.
 */
#ifndef TANDEM_TALLY_H
#define TANDEM_TALLY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "limits.h"

/* Some rows for what has no route, then one per route, as they stand on the board: what is in use lies
 * together, in the first pages of a tally. */
enum tally_row {
    TALLY_NO_ROUTE, /* 404, 405, OPTIONS * */
    TALLY_ADMIN,    /* what was asked for by --admin */
    TALLY_REFUSED,  /* no whole request: malformed, too large, too slow, one too many */
    TALLY_ROUTES,   /* the first route's */
    TALLY_ROWS = TALLY_ROUTES + LIMIT_ROUTES
};

enum { TALLY_CODES = 40 };

struct tally {
    _Alignas(64) struct histogram durations; /* of handlers, those of --admin left out */
    _Atomic uint64_t faults;                 /* minor page faults, see serve.c          */
    struct histogram births;                 /* the keeper's: what it took to make a worker */
    _Atomic uint64_t worker_wait; /* the keeper's, µs: events waited, and no worker was free */
    _Atomic uint64_t spare_waits; /* fresh: requests that have asked for a spare … */
    _Atomic uint64_t spare_wait;  /* … and µs they have waited for one */
    _Atomic uint64_t codes[TALLY_ROWS][TALLY_CODES];
};

/* Maps the keeper's and `workers` more; NULL (errno) when there is no memory. */
struct tally *tallies_open(size_t workers);
void tallies_close(struct tally *all, size_t workers);

/* One answer, of this row: its handler took so long. By the tally's writer, like all that counts.
 * Takes some 3.5 ns, where one locked instruction takes 6.5. */
void tally_answer(struct tally *t, unsigned row, int status, int64_t microseconds);
/* One answer to what was no whole request. */
void tally_refusal(struct tally *t, int status);

/* Whole requests that were answered since the server was started: all rows but TALLY_REFUSED; of
 * the routes the first so many. `workers` as they were opened with. Any process. */
uint64_t tallies_answered(const struct tally *all, size_t workers, unsigned routes);

/* The column of a status, and its name as a label: "404", or "4xx" for those that are rare. */
unsigned tally_code(int status);
const char *tally_code_name(unsigned code); /* NULL: this column is not used */

#endif
