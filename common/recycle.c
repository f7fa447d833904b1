/*
 * recycle.c — what the board says is believed no further than this: who scribbles over it changes the pace.
 */
#include "recycle.h"

#include <stdlib.h>

#include "clock.h"
#include "model.h"

enum { FRACTION = 4, PATIENCE = 50, PAUSE = 5 /* ms */ };

bool recycle_open(struct recycling *r, struct server *s)
{
    *r = (struct recycling){.server = s, .workers = calloc(s->slots, sizeof *r->workers)};
    return r->workers;
}

void recycle_close(struct recycling *r)
{
    free(r->workers);
    r->workers = NULL;
}

/* A thread that is lost ends by itself, if ever. */
static bool lives(const struct recycling *r, size_t index)
{
    int state = atomic_load(&r->server->board->slots[index].state);
    return state != WORKER_NONE && state != WORKER_LOST;
}

static void forgive(struct recycling *r, size_t index)
{
    r->due -= r->workers[index].is_due;
    r->workers[index] = (struct turn_to_go){0};
}

void recycle_all(struct recycling *r)
{
    for (size_t i = 0; i < r->server->slots; i++) {
        forgive(r, i);
        r->workers[i].is_due = lives(r, i);
        r->due += r->workers[i].is_due;
    }
}

void recycle_born(struct recycling *r, size_t index)
{
    forgive(r, index);
}

static size_t count_away(const struct recycling *r, int64_t now)
{
    size_t living = 0, leaving = 0, wanted = r->server->options.workers;
    for (size_t i = 0; i < r->server->slots; i++) {
        bool is_alive = lives(r, i);
        living += is_alive;
        leaving += is_alive && r->workers[i].asked && now < r->workers[i].asked + PATIENCE;
    }
    return leaving + (living < wanted ? wanted - living : 0);
}

/* First the flag, then the signal: see signals_wakeable(). */
static void ask(struct recycling *r, size_t index, int64_t now)
{
    atomic_store(&r->server->board->slots[index].must_leave, true);
    model_wake(index);
    r->workers[index].asked = now;
}

void recycle_tick(struct recycling *r)
{
    int64_t now = clock_ms();
    if (r->due == 0)
        return;
    size_t away = count_away(r, now), most = (r->server->options.workers + FRACTION - 1) / FRACTION;
    for (size_t i = 0; i < r->server->slots; i++) {
        bool is_alive = lives(r, i);
        if (!r->workers[i].is_due || (is_alive && away >= most))
            continue;
        forgive(r, i);
        if (is_alive) {
            ask(r, i, now);
            away++;
        }
    }
}

int recycle_pause(const struct recycling *r, int pause)
{
    return r->due > 0 && pause > PAUSE ? PAUSE : pause;
}
