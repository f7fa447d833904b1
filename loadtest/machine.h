/*
 * machine.h — on what it was measured: a figure without its machine is no figure.
 *
 * Reads /proc, /sys, /etc/os-release and uname(2); any thread.
 */
#ifndef LOADTEST_MACHINE_H
#define LOADTEST_MACHINE_H

#include <stdint.h>

struct machine {
    char cpu[128];  /* "AMD EPYC 7763", from /proc/cpuinfo; the architecture where it has no name */
    unsigned cores; /* logical CPUs that are on line */
    unsigned usable;  /* those this process may run on (sched_getaffinity) */
    uint64_t memory;  /* bytes of RAM */
    uint64_t page;    /* bytes */
    char thp[32];     /* transparent huge pages: "always", "madvise", "never"; "" when unknown */
    char kernel[128]; /* "Linux 6.1.0-18-amd64 x86_64" */
    char system[128]; /* "Debian GNU/Linux 12 (bookworm)"; "" when unknown */
};

void machine_look(struct machine *m);
/* Where temporary files go: TMPDIR, or /tmp. Not owned. */
const char *machine_temporary(void);
/* Just the CPUs this process may run on; 1 at least. */
unsigned usable_cpus(void);

#endif
