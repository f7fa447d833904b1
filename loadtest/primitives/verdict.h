/*
 * verdict.h — does the sentence of the textbook hold on this machine?
 *
 * No sentence is confirmed by assumption. Two lines are compared round by round, since those of one
 * round had the same moments of the machine, and one is cheaper when it was so in three quarters of
 * them (by chance, of 21 rounds of equals: one time in 75). Where a line could not be measured the
 * sentence stays open.
 */
#ifndef LOADTEST_PRIMITIVES_VERDICT_H
#define LOADTEST_PRIMITIVES_VERDICT_H

#include "measure.h"

enum ruling { CONFIRMED, NOT_CONFIRMED, OPEN };

struct verdict {
    enum ruling ruling;
    struct quartiles factor; /* b over a, round by round; NANs where there is no b */
    double lost_share;       /* of a; NAN when open */
    const struct figure *a, *b;
};

struct verdict claim_judge(const struct findings *f, const struct claim *claim);
/* "confirmed", "not_confirmed", "open". */
const char *ruling_name(enum ruling ruling);

#endif
