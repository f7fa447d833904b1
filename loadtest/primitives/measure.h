/*
 * measure.h — lines into figures: warm-up, rounds in turns (A B C A B C …), quartiles.
 *
 * In turns, because a machine is faster in one minute than in the next: what is compared has then
 * had the same minutes.
 */
#ifndef LOADTEST_PRIMITIVES_MEASURE_H
#define LOADTEST_PRIMITIVES_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "primitive.h"

enum { ROUNDS_MAX = 21, LINES_MAX = 8 };

struct plan {
    unsigned rounds;  /* up to ROUNDS_MAX */
    int64_t round_ns; /* about so much CPU time is each, unless one operation takes longer */
    int64_t group_ns; /* after this time no further round of a group is begun */
    bool heavy;       /* lines that take seconds to prepare, too */
};

extern const struct plan full_plan, quick_plan;

struct quartiles {
    double low, median, high;
};

struct figure {
    const struct primitive *line;
    bool measured;
    struct complaint skipped; /* why, unless measured */
    unsigned rounds;
    uint64_t each;          /* operations in a round, about */
    struct quartiles value; /* what the group is compared by: ns per operation, or bytes */
    double other_ns; /* median of the other time: elapsed, where CPU time is compared; -1: none */
    double
        by_round[ROUNDS_MAX]; /* the same, as measured: round k of two lines stood side by side */
    uint64_t done, lost;      /* over all rounds */
};

struct findings {
    const struct group *group;
    struct figure figures[LINES_MAX]; /* group->count of them */
};

/* Measures one group; what could not be measured says why. The caller has one thread, and no other
 * children that matter to it are touched. */
void measure_group(const struct group *group, const struct plan *plan, struct findings *f);

/* Sorts `values`; between two of them, the nearer share of each. n is at least 1. */
struct quartiles quartiles_of(double *values, unsigned n);

#endif
