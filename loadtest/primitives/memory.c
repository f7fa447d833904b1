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

#include "../procstat.h"
#include "crew.h"
#include "futex.h"
#include "primitive.h"

enum { STACK_USED = 64 << 10 };

struct staff {
    enum kind kind;
    unsigned count;
};

struct hall {
    _Atomic uint32_t ready, leave;
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

static bool open_hall(struct bench *b)
{
    bench_pin(0);
    b->state = bench_shared(b, sizeof(struct hall));
    return b->state != NULL;
}

static bool read_pss(struct bench *b, double *bytes)
{
    struct tree_usage usage;
    if (!tree_cpu_and_memory(b->runner, &usage) || usage.unreadable > 0 || usage.pss_kib == 0)
        return complain(&b->why, "/proc/PID/smaps_rollup cannot be read");
    *bytes = (double)usage.pss_kib * 1024;
    return true;
}

static void wait_until_ready(struct hall *hall, unsigned count)
{
    uint32_t seen;
    while ((seen = atomic_load(&hall->ready)) < count)
        futex_wait(&hall->ready, seen);
}

/* As many workers as the line says; `count` is always one here. */
static bool run_hall(struct bench *b, uint64_t count)
{
    static struct crew crew;
    const struct staff *staff = b->with;
    struct hall *hall = b->state;
    double before = 0, after = 0;
    atomic_store(&hall->ready, 0);
    atomic_store(&hall->leave, 0);
    bool good =
        read_pss(b, &before) && crew_start(&crew, staff->kind, staff->count, work, hall, &b->why);
    if (good) {
        wait_until_ready(hall, staff->count);
        good = read_pss(b, &after);
    }
    atomic_store(&hall->leave, 1);
    futex_wake_all(&hall->leave);
    crew_finish(&crew);
    b->lap = (struct lap){.done = count, .bytes = after - before};
    return good;
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
