/*
 * filter.h — which system calls the workers, or the gates, may make. A part of the sandbox.
 */
#ifndef TANDEM_FILTER_H
#define TANDEM_FILTER_H

#include <stdbool.h>

/* From here on the calling thread, and all that it starts, can make the calls that serving needs;
 * others fail with EPERM. `sockets`: connections can be opened, too. Needs no_new_privs. Returns 0,
 * or an errno: then nothing has changed. */
int filter_install(bool sockets);

/* Likewise, for what a gate does (server-proc/gate): bytes go from one socket to another. By the gate
 * itself: it may abort, which is a signal to its own number. */
int filter_install_for_gate(void);

#endif
