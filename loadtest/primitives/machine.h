/*
 * machine.h — where figures come from: without it they mean nothing to anybody else.
 */
#ifndef LOADTEST_PRIMITIVES_MACHINE_H
#define LOADTEST_PRIMITIVES_MACHINE_H

#include <stdint.h>

struct machine {
    char cpu[128];         /* model; "unknown" where the kernel tells none */
    char kernel[128];      /* release and architecture */
    char thp[32];          /* transparent huge pages: always, madvise, never; "unknown" */
    unsigned cores;        /* online */
    unsigned usable;       /* those this process may use */
    uint64_t page, memory; /* bytes */
};

void machine_read(struct machine *m);

#endif
