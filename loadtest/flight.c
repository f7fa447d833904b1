/*
 * flight.c — see flight.h.
 */
#include "flight.h"

#include <stdlib.h>

bool flights_init(struct flights *f, unsigned depth)
{
    *f = (struct flights){.ring = calloc(depth, sizeof *f->ring), .depth = depth};
    return f->ring != NULL;
}

void flights_free(struct flights *f)
{
    free(f->ring);
    f->ring = NULL;
}

struct flight *flights_at(const struct flights *f, unsigned i)
{
    unsigned place = f->first + i;
    return &f->ring[place < f->depth ? place : place - f->depth];
}

void flights_add(struct flights *f, const struct flight *flight)
{
    *flights_at(f, f->count++) = *flight;
}

struct flight flights_take(struct flights *f)
{
    struct flight taken = f->ring[f->first];
    f->first = f->first + 1 < f->depth ? f->first + 1 : 0;
    f->count--;
    return taken;
}
