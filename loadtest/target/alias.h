/*
 * alias.h — one of many, by weight, at the price of one random number and one look.
 *
 * Walker's alias method in Vose's form (M. D. Vose, "A linear algorithm for generating random
 * numbers with a given distribution", IEEE TSE 17, 1991): every column of a table has the same area
 * and holds at most two choices.
 */
#ifndef LOADTEST_ALIAS_H
#define LOADTEST_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

#include "rng.h"

struct alias_column {
    double keep;  /* the share of this column that is its own */
    size_t other; /* whose the rest is */
};

struct alias {
    struct alias_column *columns; /* owned */
    size_t count;
};

/* `weights` are above 0, `count` at least 1. False when memory runs out. Afterwards the table is
 * read only, and any thread may draw from it. */
bool alias_make(struct alias *a, const double *weights, size_t count);
void alias_free(struct alias *a);
/* A number below `count`, chosen with the probability of its weight. */
size_t alias_draw(const struct alias *a, struct rng *rng);

#endif
