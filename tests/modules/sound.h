/*
 * sound.h — what a broken module would be without its one fault: a handler, and one route to it.
 */
#ifndef TANDEM_TESTS_SOUND_H
#define TANDEM_TESTS_SOUND_H

#include "common/handler.h"

static int say_sound(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    return response_write(res, "sound\n", 6) ? 0 : 500;
}

/* Used by most of them, in the middle of the struct. */
#define SOUND_ROUTES ((const struct route[]){{"GET", "/sound", say_sound}, {NULL, NULL, NULL}})

#endif
