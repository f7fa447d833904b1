/*
 * listener.h — the sockets that connections come from. The supervisor opens them, and keeps them
 * open whatever dies: while it lives, a client that connects is at worst waiting, never refused.
 */
#ifndef TANDEM_LISTENER_H
#define TANDEM_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "limits.h"

enum listener_kind { LISTENER_PLAIN, LISTENER_TLS, LISTENER_ADMIN };

struct listener {
    int fd;
    enum listener_kind kind;
    const char *typed; /* the address as the user gave it; the caller's, or `name` */
    bool is_unix;
    bool is_own;    /* opened by this server, or a generation before: not by a service manager */
    pid_t maker;    /* the process whose unix socket it is: no other removes the file */
    char name[128]; /* "127.0.0.1:43817", "[::1]:8080", "unix:/run/x.sock": the port as it came out
                     */
};

struct listeners {
    struct listener all[LIMIT_LISTENERS + 1]; /* those of --listen, of --tls-listen, of --admin */
    size_t count;
};

/* Opens one socket for `address` as typed by the user; non-blocking, close-on-exec, listening, with
 * a backlog of SOMAXCONN. False: `why` (size bytes) holds one line that says what is wrong and how
 * to mend it, and nothing stays open. Supervisor only. */
bool listener_open(struct listener *l, const char *address, char *why, size_t size);

/* Makes a listener of a socket that listens already (activation.h). `typed`: the option whose place it
 * takes, or NULL. With `is_own`, the file of a unix socket is ours to remove. */
void listener_adopt(struct listener *l, int fd, const char *typed, bool is_own);
/* True when the socket is where `address` says; with `is_any_port`, also when it says port 0 and the
 * rest is the same. Names are resolved. */
bool listener_is_at(int fd, const char *address, bool is_any_port);

/* Closes all of them, and removes the files of the unix sockets this process made. A process
 * forked later closes its own copies with this, and nothing else changes. */
void listeners_close(struct listeners *ls);

/* The same, but that of --admin stays, and becomes the first. */
void listeners_close_public(struct listeners *ls);

/* True when `fd` is a connection that came through one of them: its own address is a listener's, and
 * it has a peer. A socket that a handler has opened itself is none. */
bool listeners_accepted(const struct listeners *ls, int fd);

/* Writes the line to `ready_fd` and closes it; -1: does nothing. */
void listeners_announce(const char *line, int ready_fd);

/* Where a client on this machine reaches what listens on `address` (as typed): what stands for all
 * addresses becomes the loopback one. May ask the resolver. False: one line in `why`; so with port
 * 0, which is another one in the end. */
bool listener_reach(const char *address, struct sockaddr_storage *at, socklen_t *length, char *why,
                    size_t size);

/* True when `name` can be parsed as --listen takes it; `why` as above. For --check and options. */
bool listener_check(const char *address, char *why, size_t size);

#endif
