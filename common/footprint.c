/*
 * footprint.c — two files of /proc, read for one number each.
 *
 * Why "data" and not what is resident: a leak shows there when it is allocated, not when it is
 * touched or read back from swap, and newer kernels count resident pages per CPU and add them up
 * late. What it counts too many, memory reserved and never used, the limit counts as well.
 */
#include "footprint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

uint64_t footprint_data(void)
{
    char text[160];
    unsigned long long pages;
    if (!procfs_read("/proc/self/statm", text, sizeof text) ||
        sscanf(text, "%*u %*u %*u %*u %*u %llu", &pages) != 1)
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t footprint_pss(void)
{
    char text[2048];
    unsigned long long kib;
    const char *line =
        procfs_read("/proc/self/smaps_rollup", text, sizeof text) ? strstr(text, "\nPss:") : NULL;
    return line && sscanf(line, "\nPss: %llu", &kib) == 1 ? kib * 1024 : 0;
}
