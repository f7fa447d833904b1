/*
 * recycle.h — all workers are replaced in good health, a few at a time, and nobody notices.
 *
 * A worker that is due is asked to leave, does so when it owns nothing, and the model makes another in its
 * place, as ever. Nobody is killed for it: one that runs a long request leaves when that is answered.
 *
 *      due ──▶ asked, as long as no more than a quarter are away ──▶ gone ──▶ another is born
 *
 * One that is asked counts as away for a moment, since it may be; when it has not gone by then it is at
 * work, and no reason for the others to wait. Asked again while one recycling goes on (HUP twice), all
 * that live are due once more.
 *
 * For whoever makes the workers, by one thread.
 */
#ifndef TANDEM_RECYCLE_H
#define TANDEM_RECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server.h"

struct recycling {
    struct server *server;
    size_t due; /* so many are, and have not been asked yet */
    struct turn_to_go {
        bool is_due;
        int64_t asked; /* monotonic ms; 0: not yet */
    } * workers;       /* one per slot */
};

/* False: no memory. */
bool recycle_open(struct recycling *r, struct server *s);
void recycle_close(struct recycling *r);

/* All that live now are to be replaced. */
void recycle_all(struct recycling *r);
/* A worker has just been made in this slot. */
void recycle_born(struct recycling *r, size_t index);
/* Asks whose turn it is; once a round. */
void recycle_tick(struct recycling *r);
/* How long to wait for the next round, in ms, if one would wait for `pause`. */
int recycle_pause(const struct recycling *r, int pause);

#endif
