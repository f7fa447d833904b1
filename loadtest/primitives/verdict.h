/*
 * verdict.h — does the sentence of the textbook hold on this machine?
 *
 * No sentence is confirmed by assumption. Where one of its lines could not be measured it stays
 * open.
 */
#ifndef LOADTEST_PRIMITIVES_VERDICT_H
#define LOADTEST_PRIMITIVES_VERDICT_H

#include "measure.h"

enum ruling { CONFIRMED, NOT_CONFIRMED, OPEN };

struct verdict {
    enum ruling ruling;
    double factor; /* b over a, or the share that was lost; NAN when open */
    const struct figure *a, *b;
};

struct verdict claim_judge(const struct findings *f, const struct claim *claim);
/* "confirmed", "not_confirmed", "open". */
const char *ruling_name(enum ruling ruling);

#endif
