/*
 * listener_owner.h — which process on this machine is the server behind an address?
 *
 * For servers that somebody else started: the address's listening sockets are looked up in
 * /proc/net, then the processes that hold them in /proc/PID/fd, and of those the one above all
 * others is taken: a supervisor or master whose workers share its listener. proc(5), "net/tcp" and
 * "net/unix". Any thread; each call reads /proc afresh.
 */
#ifndef LOADTEST_LISTENER_OWNER_H
#define LOADTEST_LISTENER_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "../complaint.h"
#include "../target/url.h"

struct listener_owner {
    pid_t pid; /* with everything below it, it is the server */
    char command[32];
};

/* False, with the reason in `why`: the address is not of this machine, nobody listens there, the
 * descriptors of the process that does are closed to us (it is another user's), or several
 * processes that are not related do. */
bool listener_owner_find(const struct address *address, struct listener_owner *owner,
                         struct complaint *why);

#endif
