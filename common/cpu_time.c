/*
 * cpu_time.c — a walk down the tree of processes, as the kernel has it: pids that stand in shared
 * memory are not believed.
 *
 *      root                       own time, and that of its dead children ("reaped")
 *       ├─ worker …               own, reaped
 *       └─ nest ── spare …        own, reaped
 *
 * One that is reaped during the walk may be missing in the sum, since its time has gone to a parent
 * that was read before. A second walk shows whether that has happened: then the sum of what was reaped
 * has grown by it. One that lives may be missing, too, when its neighbours in the list of children die
 * while that is read (proc(5)).
 */
#include "cpu_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

enum { LEVELS = 4, WALKS = 5, PIDS_SIZE = 16 * 1024, STAT_SIZE = 1024 };

struct ticks {
    uint64_t own;    /* of those who live */
    uint64_t reaped; /* of the dead, as their parents tell */
};

/* The command's name may hold spaces and brackets: fields are counted from the last ')'. */
static bool add_process(pid_t pid, struct ticks *sum)
{
    char path[64], text[STAT_SIZE];
    unsigned long long user, system, dead_user, dead_system;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *rest = procfs_read(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    if (!rest ||
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &user,
               &system, &dead_user, &dead_system) != 4)
        return false;
    sum->own += user + system;
    sum->reaped += dead_user + dead_system;
    return true;
}

/* Of the first thread's children, that is: no other makes any. False: nothing can be said of `pid`
 * itself; a child of which nothing can be said has just died. */
static bool add_tree(pid_t pid, int levels, struct ticks *sum)
{
    char path[64], pids[PIDS_SIZE];
    if (!add_process(pid, sum))
        return false;
    if (levels == 1)
        return true;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    if (!procfs_read(path, pids, sizeof pids))
        return false;
    char *at = pids, *end;
    for (long child; (child = strtol(at, &end, 10)) > 0; at = end)
        add_tree((pid_t)child, levels - 1, sum);
    return true;
}

/* With hundreds of processes, some of which live for one request, a walk is never undisturbed:
 * less than a second missing does no harm. */
bool cpu_time(pid_t root, uint64_t *ms)
{
    uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    struct ticks seen = {0};
    bool is_known = add_tree(root, LEVELS, &seen);
    for (int i = 1; is_known && i < WALKS; i++) {
        struct ticks again = {0};
        is_known = add_tree(root, LEVELS, &again);
        if (again.reaped - seen.reaped < per_second) {
            *ms = (seen.own + seen.reaped) * 1000 / per_second;
            return true;
        }
        seen = again;
    }
    return false;
}
