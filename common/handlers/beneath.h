/*
 * beneath.h — opening files below one folder, and nothing else.
 *
 * The kernel does the guarding: openat2() resolves a path beneath the root or not at all, whatever
 * symlinks and renames do meanwhile, so no check here can be outrun. Where it is missing (before
 * Linux 5.6, or in a container that does not let it through) no symlink is followed at all.
 *
 * Opened once, by the first process; then any worker may open below it.
 */
#ifndef TANDEM_BENEATH_H
#define TANDEM_BENEATH_H

#include <stdbool.h>

struct beneath {
    int root; /* opened with O_PATH */
    bool has_openat2;
};

/* False (errno) when the folder cannot be opened. */
bool beneath_open_root(struct beneath *b, const char *folder);
void beneath_close_root(struct beneath *b);
/* Opens what `path`, relative to the root, names; flags as in open(2), to which O_NONBLOCK and
 * O_CLOEXEC are added. The descriptor is the caller's; -1 (errno). */
int beneath_open(const struct beneath *b, const char *path, int flags);
/* The HTTP status for an errno of beneath_open: what is missing and what is hidden look the same. */
int beneath_status(int error);

#endif
