/*
 * counter.c — two workers add to one number; how much arrives?
 *
 * The unsynchronised way is a load, an addition and a store, which is what `n++` compiles to. In C11
 * a plain `n++` by two threads would be undefined, and the compiler free to do all of them at once;
 * relaxed atomic loads and stores are separate as well, and lose updates in the same way, but within
 * the rules. Between processes the number lies in a shared mapping, and the mutex is of the kind for
 * it.
 *
 * Each worker has a CPU of its own where there are two, and clocks itself, so that starting and
 * ending are not in the figure.
 */
#include <sched.h>
#include <stdatomic.h>

#include "../units.h"
#include "crew.h"
#include "primitive.h"

enum { WORKERS = 2 };

struct counter {
    _Alignas(64) _Atomic uint64_t value;
    _Alignas(64) pthread_mutex_t lock;
    _Atomic uint32_t here; /* workers that have begun */
    uint64_t share;        /* additions of each */
    const struct manner *manner;
    struct timing {
        _Alignas(64) int64_t begin_ns, end_ns, cpu_ns;
    } timing[WORKERS];
};

struct manner {
    enum kind kind;
    void (*add)(struct counter *c, uint64_t times);
};

static void add_plain(struct counter *c, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        uint64_t seen = atomic_load_explicit(&c->value, memory_order_relaxed);
        atomic_store_explicit(&c->value, seen + 1, memory_order_relaxed);
    }
}

static void add_atomic(struct counter *c, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++)
        atomic_fetch_add_explicit(&c->value, 1, memory_order_relaxed);
}

/* The same load and store, with nobody else between them. */
static void add_locked(struct counter *c, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        pthread_mutex_lock(&c->lock);
        add_plain(c, 1);
        pthread_mutex_unlock(&c->lock);
    }
}

static void work(void *with, unsigned index)
{
    struct counter *c = with;
    struct timing *t = &c->timing[index];
    bench_pin(index);
    atomic_fetch_add(&c->here, 1);
    while (atomic_load(&c->here) < WORKERS) /* nobody adds while the other is not there yet */
        sched_yield();
    int64_t cpu = thread_cpu_ns();
    t->begin_ns = now_ns();
    c->manner->add(c, c->share);
    t->end_ns = now_ns();
    t->cpu_ns = thread_cpu_ns() - cpu;
}

static bool open_counter(struct bench *b)
{
    struct counter *c = b->state = bench_shared(b, sizeof *c);
    pthread_mutexattr_t kind;
    if (!c || pthread_mutexattr_init(&kind) != 0)
        return false;
    c->manner = b->with;
    if (c->manner->kind == PROCESSES)
        pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    return pthread_mutex_init(&c->lock, &kind) == 0 && pthread_mutexattr_destroy(&kind) == 0;
}

/* From the first one's beginning to the last one's end. */
static void sum_up(const struct counter *c, struct lap *lap)
{
    int64_t begin = c->timing[0].begin_ns, end = c->timing[0].end_ns;
    lap->cpu_ns = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        begin = c->timing[i].begin_ns < begin ? c->timing[i].begin_ns : begin;
        end = c->timing[i].end_ns > end ? c->timing[i].end_ns : end;
        lap->cpu_ns += c->timing[i].cpu_ns;
    }
    lap->wall_ns = end - begin;
    lap->done = WORKERS * c->share;
    lap->lost = lap->done - atomic_load(&c->value);
}

static bool run_counter(struct bench *b, uint64_t count)
{
    static struct crew crew;
    struct counter *c = b->state;
    c->share = (count + WORKERS - 1) / WORKERS;
    atomic_store(&c->value, 0);
    atomic_store(&c->here, 0);
    bool all = crew_start(&crew, c->manner->kind, WORKERS, work, c, &b->why);
    if (!all)
        atomic_store(&c->here, WORKERS); /* he who waits for the other waits in vain */
    bool well = crew_finish(&crew);
    if (!all)
        return false;
    if (!well)
        return complain(&b->why, "a worker did not end well");
    sum_up(c, &b->lap);
    return true;
}

#define LINE(name_, title_, kind_, add_)                                              \
    {                                                                                 \
        .name = (name_), .title = (title_), .open = open_counter, .run = run_counter, \
        .with = &(const struct manner)                                                \
        {                                                                             \
            kind_, add_                                                               \
        }                                                                             \
    }

static const struct primitive lines[] = {
    LINE("threads_plain", "threads, unsynchronised", THREADS, add_plain),
    LINE("threads_mutex", "threads, mutex", THREADS, add_locked),
    LINE("threads_atomic", "threads, atomic", THREADS, add_atomic),
    LINE("processes_plain", "processes, unsynchronised", PROCESSES, add_plain),
    LINE("processes_mutex", "processes, mutex", PROCESSES, add_locked),
    LINE("processes_atomic", "processes, atomic", PROCESSES, add_atomic)};

static const struct claim claims[] = {
    {"Threads share memory, so unsynchronised updates are lost.", LOSES, "threads_plain", NULL},
    {"It is the sharing, not the thread: processes lose them in memory that they share.", LOSES,
     "processes_plain", NULL},
    {"With a mutex none is lost.", LOSES_NOTHING, "threads_mutex", NULL},
    {"With an atomic none is lost.", LOSES_NOTHING, "threads_atomic", NULL},
    {"For one number an atomic is cheaper than a mutex.", CHEAPER, "threads_atomic",
     "threads_mutex"},
    {"A mutex in shared memory is as fast between processes as between threads.", ALIKE,
     "processes_mutex", "threads_mutex"}};

const struct group counter_group = {
    .name = "counter",
    .title = "Add one to a shared counter",
    .method = "two workers at the same time, each on its own CPU where there are two; per addition",
    .measure = ELAPSED_TIME,
    .lines = lines,
    .count = sizeof lines / sizeof lines[0],
    .claims = claims,
    .claim_count = sizeof claims / sizeof claims[0]};
