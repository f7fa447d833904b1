/*
 * flight.c — see flight.h.
 */
#include "flight.h"

#include <stdlib.h>

bool flights_init(struct flights *f, unsigned depth, size_t room, uint64_t seed)
{
    *f = (struct flights){.ring = calloc(depth, sizeof *f->ring),
                          .depth = depth,
                          .renderings = room ? calloc(depth, room) : NULL,
                          .room = room,
                          .seed = seed};
    if (f->ring && (f->renderings || !room))
        return true;
    flights_free(f);
    return false;
}

void flights_free(struct flights *f)
{
    free(f->ring);
    free(f->renderings);
    f->ring = NULL;
    f->renderings = NULL;
}

void flights_add(struct flights *f, const struct flight *flight)
{
    struct flight *place = flights_at(f, f->count++);
    *place = *flight;
    place->bytes = flight->shot->bytes;
    place->length = flight->shot->length;
    if (flight->shot->template.room > 0) {
        char *own = f->renderings + (size_t)(place - f->ring) * f->room;
        place->length = template_render(&flight->shot->template, f->seed, flight->seq, own);
        place->bytes = own;
    }
}
