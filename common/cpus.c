/*
 * cpus.c — asks the scheduler, then the cgroup files.
 *
 * A quota may stand at any level above us, so each level is read on the way up. Inside a container
 * the path in /proc/self/cgroup may be the host's and lead nowhere; the way up then ends at the
 * mount, which is the container's own level.
 */
#include "cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Reads up to two numbers from folder/name; returns how many there were ("max" is none). */
static int read_numbers(const char *folder, const char *name, long long *first, long long *second)
{
    char path[PATH_MAX], text[64] = "";
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int count = fgets(text, sizeof text, file) ? sscanf(text, "%lld %lld", first, second) : 0;
    fclose(file);
    return count;
}

static unsigned quota_at(const char *folder, bool v1)
{
    long long quota = -1, period = 0, nothing;
    bool known = v1 ? read_numbers(folder, "cpu.cfs_quota_us", &quota, &nothing) >= 1 &&
                          read_numbers(folder, "cpu.cfs_period_us", &period, &nothing) >= 1
                    : read_numbers(folder, "cpu.max", &quota, &period) == 2;
    if (!known || quota <= 0 || period <= 0)
        return 0;
    long long cpus = quota / period + (quota % period != 0);
    return cpus < INT_MAX ? (unsigned)cpus : INT_MAX;
}

static unsigned smaller_quota(unsigned a, unsigned b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static unsigned quota_on_the_way_up(const char *mount, const char *path, bool v1)
{
    char folder[PATH_MAX];
    int top = snprintf(folder, sizeof folder, "%s%s", mount, v1 ? "/cpu" : "");
    if (top < 0 || strlen(path) + (size_t)top >= sizeof folder)
        return 0;
    strcpy(folder + top, path);
    unsigned lowest = 0;
    for (;;) {
        lowest = smaller_quota(lowest, quota_at(folder, v1));
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return lowest;
        *slash = '\0';
    }
}

/* True when `list`, separated by commas, names the controller "cpu" (and not just "cpuset"). */
static bool controls_cpu(char *list)
{
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        if (strcmp(name, "cpu") == 0)
            return true;
    return false;
}

unsigned cpu_quota(const char *membership, const char *mount)
{
    FILE *file = fopen(membership, "re");
    if (!file)
        return 0;
    char line[PATH_MAX + 256];
    unsigned lowest = 0;
    while (fgets(line, sizeof line, file)) { /* "ID:CONTROLLERS:/PATH"; v2 names no controllers */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        bool v1 = *++controllers;
        if (!v1 || controls_cpu(controllers))
            lowest = smaller_quota(lowest, quota_on_the_way_up(mount, path, v1));
    }
    fclose(file);
    return lowest;
}

static unsigned cpus_in_mask(void)
{
    cpu_set_t set[8]; /* one holds 1,024 CPUs, and the kernel refuses a mask that is too small */
    if (sched_getaffinity(0, sizeof set, set) != 0)
        return 1;
    int count = CPU_COUNT_S(sizeof set, set);
    return count > 0 ? (unsigned)count : 1;
}

unsigned usable_cpus(void)
{
    unsigned cpus = cpus_in_mask();
    unsigned quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return quota != 0 && quota < cpus ? quota : cpus;
}
