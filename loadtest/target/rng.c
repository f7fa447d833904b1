/*
 * rng.c — SplitMix64 (Steele, Lea, Flood 2014): one addition and one mix per number.
 */
#include "rng.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
    r->state = mix(seed + 0x9e3779b97f4a7c15ULL) ^ mix(~stream);
}

uint64_t rng_next(struct rng *r)
{
    r->state += 0x9e3779b97f4a7c15ULL;
    return mix(r->state);
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t most = UINT64_MAX - UINT64_MAX % n; /* a multiple of n */
    uint64_t draw;
    do
        draw = rng_next(r);
    while (draw >= most);
    return draw % n;
}
