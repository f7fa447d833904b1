/*
 * sandbox.h — what is left to the workers, and to the gates of server-proc, of what their process
 * could do: what serving needs.
 *
 * Entered once, by the process that has loaded the modules, before its first worker; processes and
 * threads started from there inherit it. (A filter installed per child doubles the price of a fork.)
 *
 *      always            another user than root, no capability     privileges.h
 *                        no core file, no ptrace by others         privileges.h
 *      --sandbox on      no_new_privs: exec gains nothing
 *                        files and ports that can be reached       landlock.h
 *                        system calls that can be made             filter.h
 *
 * The order is that of the list, each step giving up what the one before it has needed. It guards
 * the machine, and the other processes of the same user, against a handler that has been taken over.
 * It does not guard the requests of one server against each other: what workers share, they share.
 * A gate enters it by itself, and is left much less.
 */
#ifndef TANDEM_SANDBOX_H
#define TANDEM_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sandbox_needs {
    const char *user; /* as --user has it; NULL: not given */
    const char *root; /* the document root; NULL: none */
    bool wanted;      /* --sandbox on */
    bool sockets;     /* some module opens connections */
    bool proc;        /* something reads /proc */
    bool is_gate; /* it runs no handler, and needs no file, only bytes of sockets: less is left */
};

enum sandbox_result {
    SANDBOX_FAILED, /* no worker must be started: an error */
    SANDBOX_WEAK,   /* not all that was wanted is in force: a warning */
    SANDBOX_ENTERED
};

/* *line says what is in force, and what could not be had; or why it has failed, and how to mend it.
 * By a process that has one thread, after everything is open that is to be opened by name.
 * Afterwards the parent-death signal must be set (again), and no code can be loaded. */
enum sandbox_result sandbox_enter(const struct sandbox_needs *needs, char *line, size_t size);

#endif
