/*
 * bench.c — the clock, the place and the memory of a measuring process.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../units.h"
#include "primitive.h"
#include "room.h"

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    return clock_gettime(clock, &t) == 0 ? (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec : 0;
}

static int64_t of_timeval(struct timeval t)
{
    return (int64_t)t.tv_sec * NS_PER_S + (int64_t)t.tv_usec * NS_PER_US;
}

/* A partner that runs counts by its own clock; children that have ended, by what they left. */
static int64_t cpu_of_all(const struct bench *b)
{
    struct rusage dead;
    clockid_t partner;
    int64_t ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    if (getrusage(RUSAGE_CHILDREN, &dead) == 0)
        ns += of_timeval(dead.ru_utime) + of_timeval(dead.ru_stime);
    if (b->partner > 0 && clock_getcpuclockid(b->partner, &partner) == 0)
        ns += read_clock(partner);
    return ns;
}

void bench_clock_start(struct bench *b)
{
    b->cpu_ns = cpu_of_all(b);
    b->wall_ns = now_ns();
}

void bench_clock_stop(struct bench *b)
{
    b->lap.wall_ns += now_ns() - b->wall_ns;
    b->lap.cpu_ns += cpu_of_all(b) - b->cpu_ns;
}

void bench_pin(unsigned index)
{
    cpu_set_t may, one;
    if (sched_getaffinity(0, sizeof may, &may) != 0 || CPU_COUNT(&may) == 0)
        return;
    unsigned skip = index % (unsigned)CPU_COUNT(&may);
    size_t cpu = CPU_SETSIZE - 1;
    while (!CPU_ISSET(cpu, &may) || skip-- > 0)
        cpu--;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

void *bench_shared(struct bench *b, size_t size)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory != MAP_FAILED)
        return memory;
    complain(&b->why, "no shared memory: %s", strerror(errno));
    return NULL;
}

size_t bench_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Twice as much must be free as is taken: this is somebody's machine, and a measurement is no
 * reason to push his programs out of memory. */
unsigned char *bench_resident(struct bench *b, size_t size)
{
    char wanted[SHORT_TEXT], free_text[SHORT_TEXT];
    uint64_t room = memory_room();
    if (room / 2 < size) {
        complain(&b->why, "%s resident wants twice that free; there are %s",
                 format_bytes((double)size, wanted), format_bytes((double)room, free_text));
        return NULL;
    }
    unsigned char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        complain(&b->why, "%s of memory: %s", format_bytes((double)size, wanted), strerror(errno));
        return NULL;
    }
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += bench_page())
        memory[i] = 1;
    return memory;
}
