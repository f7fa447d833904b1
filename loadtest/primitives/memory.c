/*
 * memory.c — what 1, 10 and 100 workers need in memory, beyond what was there without them.
 *
 * Measured as PSS, in which a page that several share counts once in all: RSS would count libc a
 * hundred times and make processes look absurd. The sum is taken over this tool and all its
 * processes, before and after, so that what moves between them moves nothing. Each worker has used
 * 64 KiB of stack, as one that serves has. What the kernel itself needs for each (page tables,
 * kernel stack, task_struct) is in no process's PSS.
 */
#include <stddef.h>

#include "../server/procstat.h"
#include "crew.h"
#include "futex.h"
#include "primitive.h"

enum { STACK_USED = 64 << 10 };

struct staff {
    enum kind kind;
    unsigned count;
};

/* Shared by all: where workers meet, and where their foreman leaves what he has found. */
struct hall {
    const struct staff *staff;
    pid_t runner;
    _Atomic uint32_t ready, leave;
    bool good;
    double bytes;
    struct complaint why;
};

static void use_stack(void)
{
    volatile unsigned char stack[STACK_USED];
    for (size_t i = 0; i < sizeof stack; i += 1024)
        stack[i] = 1;
}

static void work(void *with, unsigned index)
{
    struct hall *hall = with;
    (void)index;
    use_stack();
    atomic_fetch_add(&hall->ready, 1);
    futex_wake_all(&hall->ready);
    while (atomic_load(&hall->leave) == 0)
        futex_wait(&hall->leave, 0);
}

static bool read_pss(struct hall *hall, double *bytes)
{
    struct tree_usage usage;
    if (!tree_cpu_and_memory(hall->runner, &usage) || usage.unreadable > 0 || usage.pss_kib == 0)
        return complain(&hall->why, "/proc/PID/smaps_rollup cannot be read");
    *bytes = (double)usage.pss_kib * 1024;
    return true;
}

static void wait_until_ready(struct hall *hall)
{
    uint32_t seen;
    while ((seen = atomic_load(&hall->ready)) < hall->staff->count)
        futex_wait(&hall->ready, seen);
}

/* A process of its own in each round, since the C library keeps the stacks of threads that have
 * ended: the next round would find them there and count them as nobody's. */
static void oversee(void *with, unsigned index)
{
    static struct crew crew;
    struct hall *hall = with;
    double before = 0, after = 0;
    (void)index;
    hall->good = read_pss(hall, &before) &&
                 crew_start(&crew, hall->staff->kind, hall->staff->count, work, hall, &hall->why);
    if (hall->good) {
        wait_until_ready(hall);
        hall->good = read_pss(hall, &after);
    }
    atomic_store(&hall->leave, 1);
    futex_wake_all(&hall->leave);
    crew_finish(&crew);
    hall->bytes = after - before;
}

static bool open_hall(struct bench *b)
{
    struct hall *hall = b->state = bench_shared(b, sizeof *hall);
    bench_pin(0);
    if (hall)
        *hall = (struct hall){.staff = b->with, .runner = b->runner};
    return hall != NULL;
}

/* `count` is always one here. */
static bool run_hall(struct bench *b, uint64_t count)
{
    static struct crew foreman;
    struct hall *hall = b->state;
    atomic_store(&hall->ready, 0);
    atomic_store(&hall->leave, 0);
    if (!crew_start(&foreman, PROCESSES, 1, oversee, hall, &b->why))
        return false;
    if (!crew_finish(&foreman))
        return complain(&b->why, "its process died");
    b->why = hall->why;
    b->lap = (struct lap){.done = count, .bytes = hall->bytes};
    return hall->good;
}

#define LINE(name_, title_, kind_, count_)                                      \
    {                                                                           \
        .name = (name_), .title = (title_), .open = open_hall, .run = run_hall, \
        .with = &(const struct staff)                                           \
        {                                                                       \
            kind_, count_                                                       \
        }                                                                       \
    }

static const struct primitive lines[] = {LINE("threads_1", "1 thread", THREADS, 1),
                                         LINE("processes_1", "1 process", PROCESSES, 1),
                                         LINE("threads_10", "10 threads", THREADS, 10),
                                         LINE("processes_10", "10 processes", PROCESSES, 10),
                                         LINE("threads_100", "100 threads", THREADS, 100),
                                         LINE("processes_100", "100 processes", PROCESSES, 100)};

static const struct claim claims[] = {
    {"A thread needs less memory than a process.", CHEAPER, "threads_100", "processes_100"}};

const struct group memory_group = {
    .name = "memory",
    .title = "Memory of workers",
    .method =
        "PSS of all of them together; each has used 64 KiB of stack; without the kernel's tables",
    .measure = MEMORY,
    .barred = "a sanitizer's own memory is not what workers need",
    .lines = lines,
    .count = sizeof lines / sizeof lines[0],
    .claims = claims,
    .claim_count = sizeof claims / sizeof claims[0]};
