/*
 * flight.h — a shot on its way, how it landed, and the queue of those on one connection.
 *
 * HTTP/1.1 answers in the order of the requests, so a connection's flights form a ring: put at the
 * end, taken from the front. Belongs to the client, and so to one thread.
 */
#ifndef LOADTEST_FLIGHT_H
#define LOADTEST_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../target/shot.h"
#include "ledger.h"

struct flight {
    const struct shot *shot;
    uint64_t seq;      /* number of the request in the run: what {seq} becomes */
    const char *bytes; /* set by flights_add(): the shot's, or its rendering in the ring */
    size_t length;
    int64_t due_ns;
    int64_t sent_ns; /* 0: not yet */
    bool measured;   /* false in the warm-up */
};

/* How a flight ended. */
struct landing {
    enum outcome outcome;
    int status;       /* 0 without an answer */
    int64_t first_ns; /* when the first byte of the answer came; 0 without one */
    int64_t done_ns;
};

struct flights {
    struct flight *ring; /* owned */
    unsigned depth;      /* places in it */
    unsigned first, count;
    char *renderings; /* owned; `room` bytes for each place, NULL when no shot has blanks */
    size_t room;
    uint64_t seed;
};

/* `room` is for the longest rendering of any shot, 0 when none has blanks; `seed` is what {rand}
 * follows from. False when memory runs out. */
bool flights_init(struct flights *f, unsigned depth, size_t room, uint64_t seed);
void flights_free(struct flights *f);
/* Only while count < depth. Fills in the bytes, once: they stay the same for as long as the flight is
 * in the ring, so that what is sent again is what was sent. */
void flights_add(struct flights *f, const struct flight *flight);

/* Number `i` from the front; i == count is the next free place. */
static inline struct flight *flights_at(const struct flights *f, unsigned i)
{
    unsigned place = f->first + i;
    return &f->ring[place < f->depth ? place : place - f->depth];
}

/* Only while count > 0; the place is free for the next flights_add(). */
static inline struct flight *flights_take(struct flights *f)
{
    struct flight *taken = &f->ring[f->first];
    f->first = f->first + 1 < f->depth ? f->first + 1 : 0;
    f->count--;
    return taken;
}

#endif
