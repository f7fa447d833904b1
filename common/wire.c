/*
 * wire.c — one test of a flag, which is all that TLS costs plain connections.
 */
#include "wire.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

static bool is_plain(const struct conn *c)
{
    return !(c->flags & CONN_TLS);
}

ssize_t wire_recv(const struct conn *c, int fd, void *to, size_t room)
{
    return is_plain(c) ? recv(fd, to, room, MSG_DONTWAIT) : wire_tls_recv(fd, to, room);
}

ssize_t wire_send(const struct conn *c, int fd, const void *bytes, size_t n, bool more)
{
    return is_plain(c) ? send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0))
                       : wire_tls_send(fd, bytes, n, more);
}

ssize_t wire_sendfile(const struct conn *c, int fd, int file, off_t *offset, size_t n)
{
    return is_plain(c) ? sendfile(fd, file, offset, n) : wire_tls_sendfile(fd, file, offset, n);
}

/* Of a socket epoll(7) says so. */
bool wire_is_drained(const struct conn *c, int fd, size_t got, size_t room)
{
    return is_plain(c) ? got < room : wire_tls_is_drained(fd, got, room);
}

void wire_refresh(const struct conn *c, int fd, bool is_wary)
{
    if (!is_plain(c))
        wire_tls_refresh(fd, is_wary);
}

void wire_end(struct server *s, struct conn *c, int fd)
{
    if (!is_plain(c))
        wire_tls_end(s, c, fd);
    shutdown(fd, SHUT_WR);
}

int wire_unsent(const struct server *s, const struct conn *c, int fd)
{
    int bytes = 0;
    if (!is_plain(c) && !wire_tls_in_place)
        return wire_tls_unsent(s, c); /* what this socket holds, it holds for a gate */
    ioctl(fd, SIOCOUTQ, &bytes);
    return is_plain(c) ? bytes : bytes + wire_tls_unsent(s, c);
}
