/*
 * switch.c — what it costs to give the CPU to another thread, or to another process.
 *
 * Two of them on one CPU take turns by a word in shared memory: each says that it is the other's
 * turn, wakes him and sleeps until it is his own again. Both kinds do exactly this, so what is left
 * between them is the address space that changes. The two system calls of a turn are in the figure:
 * nobody gives the CPU away without one.
 */
#include <stddef.h>

#include "crew.h"
#include "futex.h"
#include "primitive.h"

enum turn { MINE, THEIRS };

struct table {
    _Atomic uint32_t turn;
};

static void hand_over(struct table *t, enum turn to)
{
    atomic_store_explicit(&t->turn, to, memory_order_release);
    futex_wake_all(&t->turn);
}

static void await(struct table *t, enum turn own)
{
    uint32_t seen;
    while ((seen = atomic_load_explicit(&t->turn, memory_order_acquire)) != (uint32_t)own)
        futex_wait(&t->turn, seen);
}

_Noreturn static void play(void *with, unsigned index)
{
    struct table *t = with;
    (void)index;
    while (true) {
        await(t, THEIRS);
        hand_over(t, MINE);
    }
}

static bool open_pair(struct bench *b)
{
    static struct crew partner;
    const enum kind *kind = b->with;
    bench_pin(0);
    b->state = bench_shared(b, sizeof(struct table));
    if (!b->state || !crew_start(&partner, *kind, 1, play, b->state, &b->why))
        return false;
    if (*kind == PROCESSES)
        b->partner = partner.members[0].process;
    return true;
}

/* There and back are two switches. */
static bool run_pair(struct bench *b, uint64_t count)
{
    struct table *t = b->state;
    bench_clock_start(b);
    for (uint64_t i = 0; i < count; i += 2) {
        hand_over(t, THEIRS);
        await(t, MINE);
    }
    bench_clock_stop(b);
    b->lap.done = count + count % 2;
    return true;
}

static const enum kind threads = THREADS, processes = PROCESSES;

static const struct primitive lines[] = {{.name = "threads",
                                          .title = "between two threads",
                                          .with = &threads,
                                          .open = open_pair,
                                          .run = run_pair},
                                         {.name = "processes",
                                          .title = "between two processes",
                                          .with = &processes,
                                          .open = open_pair,
                                          .run = run_pair}};

static const struct claim claims[] = {
    {"Switching between threads of one process is cheaper than between processes.", CHEAPER,
     "threads", "processes"}};

const struct group switch_group = {
    .name = "switch",
    .title = "Switch to another",
    .method = "two on one CPU take turns by a futex; the two system calls of a turn are included",
    .measure = CPU_TIME,
    .lines = lines,
    .count = sizeof lines / sizeof lines[0],
    .claims = claims,
    .claim_count = sizeof claims / sizeof claims[0]};
