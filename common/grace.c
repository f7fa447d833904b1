/*
 * grace.c — turns are counted, and compared.
 */
#include "grace.h"

#include <stdlib.h>

bool grace_open(struct grace *g, const struct server *s)
{
    g->turns = calloc(s->slots, sizeof *g->turns);
    return g->turns;
}

void grace_close(struct grace *g)
{
    free(g->turns);
    g->turns = NULL;
}

/* First it was taken away, now the workers are read. */
void grace_begin(struct grace *g, const struct server *s)
{
    atomic_thread_fence(memory_order_seq_cst);
    for (size_t i = 0; i < s->slots; i++) {
        const struct worker_slot *slot = &s->board->slots[i];
        g->turns[i] = worker_is_at_rest(slot) ? 0 : atomic_load(&slot->turns) + 1;
    }
}

bool grace_is_over(const struct grace *g, const struct server *s)
{
    for (size_t i = 0; i < s->slots; i++) {
        const struct worker_slot *slot = &s->board->slots[i];
        bool is_in_the_same_turn = atomic_load(&slot->turns) + 1 == g->turns[i];
        if (g->turns[i] && is_in_the_same_turn && !worker_is_at_rest(slot))
            return false;
    }
    return true;
}
