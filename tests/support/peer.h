/*
 * A server made of one function: what a client meets there is up to the test.
 *
 * Each connection is served on a thread of its own. There is no stop: a case of check is a process,
 * and the threads end with it.
 */
#ifndef TANDEM_TESTS_PEER_H
#define TANDEM_TESTS_PEER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct peer {
    /* Set by the test. `visit` gets each connection, which is closed after it returns. */
    void (*visit)(int fd, void *context);
    void *context;
    const char *path; /* of the socket, for AF_UNIX */
    /* Set by peer_start. */
    int listener;
    unsigned port;
    atomic_int present; /* connections that are being served */
};

/* Listens on a free port of 127.0.0.1, or of ::1 for AF_INET6, or on a Unix socket; `p` must stay
 * where it is. */
void peer_start(struct peer *p, int family);

/* Waits until all clients have gone and been served; for what counts its leftovers at the end. */
void peer_see_off(struct peer *p);

/* Reads up to the empty line after a request's head (into `head`, NUL-terminated); false when the
 * connection ended before. */
bool peer_read_head(int fd, char *head, size_t room);
/* Sends all of it; false when the client has gone. */
bool peer_send(int fd, const char *text);
/* Makes the close that follows a RST. */
void peer_will_reset(int fd);

#endif
