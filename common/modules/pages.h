/*
 * pages.h — the memory this process has, page by page, without touching what is not there.
 *
 * A mapping can be a gigabyte of which three pages are in use; reading the others would make them
 * real, and take minutes. So the kernel is asked first which ones are there.
 *
 * For a handler, in a worker. The process's other threads may map and unmap meanwhile: whoever
 * reads what it is given does so through a system call, which fails where a load would crash.
 */
#ifndef TANDEM_MODULES_PAGES_H
#define TANDEM_MODULES_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Neighbouring pages of one mapping, all of them there, all readable. */
struct run {
    char *start;
    size_t length;    /* bytes */
    bool is_shared;   /* with other processes, and not a file's: what is written, they see */
    bool is_writable; /* by whoever has the address */
};

/* Calls visit() with each run, by rising address, until it returns false. False (errno) when the
 * process may not read its own /proc/self/maps. */
bool pages_walk(bool (*visit)(const struct run *run, void *context), void *context);

#endif
