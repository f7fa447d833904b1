/*
 * privileges.h — who the workers are to the kernel. A part of the sandbox (sandbox.h), and the one
 * that --sandbox off leaves in force.
 *
 *      started by          --user        workers run as
 *      root                NAME          NAME
 *                          root          root, as they were asked to
 *                          not given     nobody; or, when nobody may not enter the document root,
 *                                        root without a single capability: the owner of its files
 *      somebody else       that one      that one
 *                          another       refused
 *
 * In all cases but `--user root` no capability is left, in any set.
 */
#ifndef TANDEM_PRIVILEGES_H
#define TANDEM_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

enum privileges {
    PRIVILEGES_FAILED, /* the line says why, and how to mend it: start no worker */
    PRIVILEGES_OWNER,  /* still uid 0, without capabilities: to be warned of */
    PRIVILEGES_DROPPED /* as the line says, `--user root` included */
};

/* `whose` privileges, for the line: "workers". `user` as --user has it, NULL: not given. `root` is the document root, opened with O_PATH, or -1;
 * `root_name` its name, for the line. By a process with one thread: the set-id calls of glibc are
 * for all threads, those of the kernel for one. Clears the parent-death signal. */
enum privileges privileges_drop(const char *whose, const char *user, int root,
                                const char *root_name, char *line, size_t size);

/* No core file, no ptrace by others of the same user, no /proc/PID/mem. Lasts until a set-id call or
 * exec; children inherit it. False: errno. */
bool privileges_hide(void);

#endif
