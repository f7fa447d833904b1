/*
 * procfs.h — one small file of /proc as text.
 *
 * Read anew each time: what is kept open would lie in the descriptor table that workers share, and
 * /proc/self means whoever opens it. In a sandbox /proc may be out of reach; that is no error here.
 */
#ifndef TANDEM_PROCFS_H
#define TANDEM_PROCFS_H

#include <stdbool.h>
#include <stddef.h>

/* All that the file holds, with a NUL; `size` is at least 2. False when it cannot be opened or read,
 * or is too long: half a number is none. Any thread or process. */
bool procfs_read(const char *path, char *text, size_t size);
/* The number behind a name such as "Umask:" in /proc/self/status, written in this base; -1 when it is
 * not to be had. */
long procfs_status(const char *name, int base);

#endif
