/*
 * room.c — MemAvailable, and every control group between us and the root.
 *
 * In a container MemAvailable is the host's: only the group knows the limit that would call the
 * OOM killer. See Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
 */
#include "room.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

static uint64_t available(void)
{
    char line[256];
    uint64_t kib = 0;
    bool found = false;
    FILE *in = fopen("/proc/meminfo", "re");
    while (in && !found && fgets(line, sizeof line, in))
        found = sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1;
    if (in)
        fclose(in);
    return kib * 1024;
}

/* The number in FOLDER/NAME; false when there is none ("max", or no such file). */
static bool read_number(const char *folder, const char *name, uint64_t *value)
{
    char path[PATH_SIZE];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
    bool found = in && fscanf(in, "%" SCNu64, value) == 1;
    if (in)
        fclose(in);
    return found;
}

/* One hierarchy: where it is mounted, and what its two files are called. */
struct hierarchy {
    const char *mount, *limit, *used;
};

/* From `group` up to the mount point: the tightest. The path is that of the host, and in a
 * container may not exist below the mount point; the mount point itself is then ours. */
static uint64_t least_left(const struct hierarchy *h, const char *group)
{
    char folder[PATH_SIZE];
    uint64_t least = UINT64_MAX, limit, used;
    int n = snprintf(folder, sizeof folder, "%s%s", h->mount, group);
    if (n < 0 || (size_t)n >= sizeof folder)
        return least;
    while (strlen(folder) >= strlen(h->mount)) {
        if (read_number(folder, h->limit, &limit) && read_number(folder, h->used, &used)) {
            uint64_t left = limit > used ? limit - used : 0;
            least = left < least ? left : least;
        }
        char *slash = strrchr(folder, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    return least;
}

/* A line of /proc/self/cgroup: "0::/path" (version 2) or "4:memory:/path". */
static uint64_t left_by(const char *line)
{
    static const struct hierarchy two = {"/sys/fs/cgroup", "memory.max", "memory.current"},
                                  one = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                         "memory.usage_in_bytes"};
    const char *controllers = strchr(line, ':');
    const char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return UINT64_MAX;
    if (controllers + 1 == group)
        return least_left(&two, group + 1);
    return strncmp(controllers, ":memory:", 8) == 0 ? least_left(&one, group + 1) : UINT64_MAX;
}

uint64_t memory_room(void)
{
    char line[PATH_SIZE];
    uint64_t room = available();
    FILE *in = fopen("/proc/self/cgroup", "re");
    while (in && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        uint64_t left = left_by(line);
        room = left < room ? left : room;
    }
    if (in)
        fclose(in);
    return room;
}
