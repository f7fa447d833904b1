/*
 * verdict.c — ratios above one, ratios near one, updates that are gone.
 */
#include "verdict.h"

#include <math.h>
#include <string.h>

#define ALIKE_WITHIN 1.25

static const struct figure *find(const struct findings *f, const char *name)
{
    for (size_t i = 0; name && i < f->group->count; i++)
        if (strcmp(f->figures[i].line->name, name) == 0)
            return &f->figures[i];
    return NULL;
}

static bool holds(const struct verdict *v, enum claim_kind kind)
{
    switch (kind) {
    case CHEAPER:
        return v->factor.low > 1;
    case ALIKE:
        return v->factor.median < ALIKE_WITHIN && v->factor.median > 1 / ALIKE_WITHIN;
    case LOSES:
        return v->a->lost > 0;
    case LOSES_NOTHING:
        break;
    }
    return v->a->lost == 0;
}

/* A round that only one of them had is left out. */
static struct quartiles compare(const struct figure *a, const struct figure *b)
{
    double ratios[ROUNDS_MAX];
    unsigned rounds = a->rounds < b->rounds ? a->rounds : b->rounds;
    for (unsigned i = 0; i < rounds; i++)
        ratios[i] = b->by_round[i] / a->by_round[i];
    return quartiles_of(ratios, rounds);
}

struct verdict claim_judge(const struct findings *f, const struct claim *claim)
{
    struct verdict v = {.ruling = OPEN, .factor = {NAN, NAN, NAN}, .lost_share = NAN};
    v.a = find(f, claim->a);
    v.b = find(f, claim->b);
    if (!v.a || !v.a->measured || (claim->b && (!v.b || !v.b->measured)))
        return v;
    if (v.b)
        v.factor = compare(v.a, v.b);
    v.lost_share = (double)v.a->lost / (double)v.a->done;
    v.ruling = holds(&v, claim->kind) ? CONFIRMED : NOT_CONFIRMED;
    return v;
}

const char *ruling_name(enum ruling ruling)
{
    static const char *const names[] = {
        [CONFIRMED] = "confirmed", [NOT_CONFIRMED] = "not_confirmed", [OPEN] = "open"};
    return names[ruling];
}
