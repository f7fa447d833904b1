/*
 * resident.h — memory that is all there from the start.
 *
 * The kernel gives pages when they are first written to. A histogram would then grow whenever a
 * latency is seen that none was like before, and a time line with every second: the memory of a run
 * would seem to leak, and its page faults would fall among the requests that are measured.
 */
#ifndef LOADTEST_RESIDENT_H
#define LOADTEST_RESIDENT_H

#include <stddef.h>

/* `count` times `size` bytes of zeros, every page of them in memory; NULL when there is not enough.
 * To be given back with free(). Any thread. */
void *resident_alloc(size_t count, size_t size);

#endif
