/*
 * landlock.h — which files and ports the kernel lets the workers reach. A part of the sandbox.
 *
 * Descriptors that are open already go on to work, whatever they are of.
 */
#ifndef TANDEM_LANDLOCK_H
#define TANDEM_LANDLOCK_H

#include "sandbox.h"

/* Confines the calling thread, and all that it starts, to reading what is below the document root,
 * in the system's folders, and what `needs` adds. `root` is the document root, opened with O_PATH,
 * or -1. Needs no_new_privs. Returns the version (ABI) of the kernel's Landlock; 0 (errno): it has
 * none, or it is switched off, and nothing has changed. */
int landlock_confine(const struct sandbox_needs *needs, int root);

/* For a process that needs no name of any file from here on: no exception at all. Likewise. */
int landlock_shut(void);

#endif
