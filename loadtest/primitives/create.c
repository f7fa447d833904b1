/*
 * create.c — what it costs to start somebody, and to see him gone.
 *
 * One operation is the whole life of one that does nothing: it is made, it ends, and its end is
 * waited for (pthread_join, waitpid). Without the second half fork would look half as dear as it
 * is: taking a process down costs about what making it does.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "primitive.h"

struct way {
    bool (*live)(struct bench *b);
    size_t resident; /* of memory in the one who makes them */
};

static void *do_nothing(void *argument)
{
    return argument;
}

static bool live_thread(struct bench *b)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, do_nothing, NULL);
    if (error != 0)
        return complain(&b->why, "no thread: %s", strerror(error));
    pthread_join(thread, NULL);
    return true;
}

/* The child's side is one call. It needs no PR_SET_PDEATHSIG: it ends by itself at once. */
static bool live_process(struct bench *b, pid_t pid)
{
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return complain(&b->why, "no process: %s", strerror(errno));
    return waitpid(pid, NULL, 0) == pid || complain(&b->why, "waitpid: %s", strerror(errno));
}

/* As server-proc makes its workers: fork's meaning, but one table of descriptors for both. */
static bool live_clone(struct bench *b)
{
    return live_process(b, (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
}

static bool live_fork(struct bench *b)
{
    return live_process(b, fork());
}

static bool open_way(struct bench *b)
{
    const struct way *way = b->with;
    bench_pin(0);
    return way->resident == 0 || bench_resident(b, way->resident) != NULL;
}

static bool run_way(struct bench *b, uint64_t count)
{
    const struct way *way = b->with;
    bench_clock_start(b);
    for (uint64_t i = 0; i < count; i++)
        if (!way->live(b))
            return false;
    bench_clock_stop(b);
    b->lap.done = count;
    return true;
}

#define WAY(function, bytes) (&(const struct way){.live = (function), .resident = (bytes)})
#define LIFE(with_) .with = (with_), .open = open_way, .run = run_way

static const struct primitive lines[] = {
    {.name = "thread", .title = "thread", LIFE(WAY(live_thread, 0))},
    {.name = "clone", .title = "clone(CLONE_FILES)", LIFE(WAY(live_clone, 0))},
    {.name = "fork", .title = "fork", LIFE(WAY(live_fork, 0))},
    {.name = "fork_64m", .title = "fork, 64 MiB resident", LIFE(WAY(live_fork, (size_t)64 << 20))},
    {.name = "fork_1g",
     .title = "fork, 1 GiB resident",
     .heavy = true,
     LIFE(WAY(live_fork, (size_t)1 << 30))}};

static const struct claim claims[] = {
    {"Creating a thread is cheaper than creating a process.", CHEAPER, "thread", "fork"},
    {"What makes a process dear is its memory: sharing the descriptor table alone saves little.",
     ALIKE, "clone", "fork"},
    {"fork copies no memory, but it does copy page tables: it costs more the more there is.",
     CHEAPER, "fork", "fork_64m"},
    {"So whoever has to fork often should be small.", CHEAPER, "fork_64m", "fork_1g"}};

const struct group create_group = {
    .name = "create",
    .title = "Create one and see it finish",
    .method = "made, ends at once, its end waited for; on one CPU; pages of the usual size",
    .measure = CPU_TIME,
    .lines = lines,
    .count = sizeof lines / sizeof lines[0],
    .claims = claims,
    .claim_count = sizeof claims / sizeof claims[0]};
