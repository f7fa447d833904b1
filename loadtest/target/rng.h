/*
 * rng.h — a small seeded random number generator (SplitMix64): the same seed gives the same run.
 *
 * Each thread owns one; none is shared.
 */
#ifndef LOADTEST_RNG_H
#define LOADTEST_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

/* A generator for stream number `stream` of `seed`; streams do not repeat one another in
 * practice. */
void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);
/* The next 64 random bits. */
uint64_t rng_next(struct rng *r);
/* A number in [0, 1). */
double rng_unit(struct rng *r);

/* A whole number below `n`, which is above 0; all are equally likely. */
uint64_t rng_below(struct rng *r, uint64_t n);

#endif
