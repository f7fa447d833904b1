/*
 * census.h — what the keeper counts while it looks at all connections anyway: how many are in which
 * state, whether somebody waits for a worker, how many requests a second there are.
 *
 * For the keeper; what it finds goes to the board and to its tally, and is told as of the last look.
 */
#ifndef TANDEM_CENSUS_H
#define TANDEM_CENSUS_H

#include <stdint.h>

#include "conn.h"
#include "scoreboard.h"

struct server;

struct census {
    unsigned conns[CONN_STATES]; /* in this round */
    int64_t told;                /* monotonic ms: when the last round was over; 0: none was */
    int64_t rated;               /* likewise: since when `answered` is what it is */
    uint64_t answered;
};

/* A round: begin, each open connection, tell. */
void census_begin(struct census *n);
void census_add(struct census *n, const struct conn *c, uint64_t word);
void census_tell(struct census *n, struct server *s, int64_t now);

#endif
