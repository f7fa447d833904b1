/*
 * grace.h — when nobody can have in hand any more what was taken out of everybody's reach: after all who
 * worked at that time have passed a point where they hold nothing (read-copy-update; P. McKenney).
 *
 * A worker that waits, or has come to the end of a turn (scoreboard.h), has nothing in hand. By the process
 * that keeps the workers, by one thread.
 */
#ifndef TANDEM_GRACE_H
#define TANDEM_GRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "server.h"

struct grace {
    uint64_t *turns; /* of each worker, when the period began; 0: it has passed */
};

/* False: no memory. */
bool grace_open(struct grace *g, const struct server *s);
void grace_close(struct grace *g);
/* Now, after it was taken out of reach. */
void grace_begin(struct grace *g, const struct server *s);
/* A thread that was lost passes when it has ended. */
bool grace_is_over(const struct grace *g, const struct server *s);

#endif
