/*
 * alias.c — columns with too little are filled up from those with too much.
 */
#include "alias.h"

#include <stdlib.h>

/* Gives each column that is not full a partner that is more than full, until none is left. `todo`
 * has room for all: poor ones are piled up from its front, rich ones from its back. */
static void fill_up(struct alias *a, size_t *todo)
{
    size_t poor = 0, rich = a->count;
    for (size_t i = 0; i < a->count; i++)
        todo[a->columns[i].keep < 1 ? poor++ : --rich] = i;
    while (poor > 0 && rich < a->count) {
        struct alias_column *needy = &a->columns[todo[--poor]];
        size_t giver = todo[rich];
        needy->other = giver;
        a->columns[giver].keep -= 1 - needy->keep;
        if (a->columns[giver].keep < 1) {
            rich++;
            todo[poor++] = giver;
        }
    }
}

bool alias_make(struct alias *a, const double *weights, size_t count)
{
    double sum = 0;
    size_t *todo = malloc(count * sizeof *todo);
    *a = (struct alias){.columns = calloc(count, sizeof *a->columns), .count = count};
    if (!a->columns || !todo) {
        free(todo);
        alias_free(a);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    for (size_t i = 0; i < count; i++)
        a->columns[i] = (struct alias_column){.keep = weights[i] / sum * (double)count, .other = i};
    fill_up(a, todo);
    free(todo);
    return true;
}

void alias_free(struct alias *a)
{
    free(a->columns);
    *a = (struct alias){0};
}

size_t alias_draw(const struct alias *a, struct rng *rng)
{
    double at = rng_unit(rng) * (double)a->count;
    size_t i = (size_t)at;
    return at - (double)i < a->columns[i].keep ? i : a->columns[i].other;
}
