/*
 * wire.c — the twin of server-thread's. Here TLS is spoken by a gate, and what comes from it is
 * plain: one end of a pair of sockets.
 */
#include "common/wire.h"
#include "common/model.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

const bool wire_tls_in_place = false;

ssize_t wire_tls_recv(int fd, void *to, size_t room)
{
    return recv(fd, to, room, MSG_DONTWAIT);
}

ssize_t wire_tls_send(int fd, const void *bytes, size_t n, bool more)
{
    return send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
}

ssize_t wire_tls_sendfile(int fd, int file, off_t *offset, size_t n)
{
    return sendfile(fd, file, offset, n);
}

int wire_tls_accept(int fd, struct arrival *a)
{
    (void)fd, (void)a;
    errno = ENOSYS;
    return -1;
}

bool wire_tls_begin(struct server *s, int fd)
{
    (void)s, (void)fd;
    return false;
}

enum shake wire_tls_shake(int fd, struct tls_facts *facts, const char **why)
{
    (void)fd, (void)facts, (void)why;
    return SHAKE_FAILED;
}

void wire_tls_forget(int fd)
{
    (void)fd;
}

void wire_tls_refresh(int fd, bool is_wary)
{
    (void)fd, (void)is_wary;
}

bool wire_tls_is_drained(int fd, size_t got, size_t room)
{
    (void)fd;
    return got < room;
}

bool wire_tls_wants_room(int fd)
{
    (void)fd;
    return false;
}

void wire_tls_end(struct server *s, const struct conn *c, int fd)
{
    (void)s, (void)c, (void)fd;
}

int wire_tls_unsent(const struct server *s, const struct conn *c)
{
    (void)s, (void)c;
    return 0;
}

bool wire_tls_accepted(const struct server *s, int fd)
{
    (void)s, (void)fd;
    return false;
}

bool model_check_tls(const struct options *o)
{
    (void)o;
    return false;
}

bool model_open_tls(struct server *s)
{
    (void)s;
    return false;
}

void model_close_tls(struct server *s)
{
    (void)s;
}
