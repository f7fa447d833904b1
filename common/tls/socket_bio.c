/*
 * socket_bio.c — see socket_bio.h.
 */
#include "socket_bio.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

/* They tell what a client speaks that does not speak TLS. */
static void note_first(struct socket_end *end, const char *bytes, size_t n)
{
    size_t room = SOCKET_FIRST - end->got;
    if (n > room)
        n = room;
    memcpy(end->first + end->got, bytes, n);
    end->got += n;
}

/* Counts what has come. False: it is too much. */
static bool allows(struct socket_end *end, const char *bytes, size_t n)
{
    if (end->got < SOCKET_FIRST)
        note_first(end, bytes, n);
    if (end->allowed == SIZE_MAX)
        return true;
    if (n <= end->allowed) {
        end->allowed -= n;
        return true;
    }
    end->error = EMSGSIZE;
    return false;
}

static ssize_t receive(struct socket_end *end, char *to, size_t room)
{
    ssize_t n;
    do
        n = recv(end->fd, to, room, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

static int socket_read(BIO *bio, char *to, size_t room, size_t *got)
{
    struct socket_end *end = BIO_get_data(bio);
    ssize_t n = -1;
    *got = 0;
    BIO_clear_retry_flags(bio);
    if (end->error)
        return 0;
    if (!end->is_drained)
        n = receive(end, to, room);
    else
        errno = EAGAIN;
    if (n > 0) {
        end->is_drained = !end->is_wary && (size_t)n < room; /* epoll(7), short reads */
        end->reads++;
        *got = (size_t)n;
        return allows(end, to, (size_t)n);
    }
    if (n == 0) {
        end->is_ended = true;
    } else if (errno == EAGAIN) {
        end->is_drained = true;
        BIO_set_retry_read(bio);
    } else {
        end->error = errno;
    }
    return 0;
}

static int socket_write(BIO *bio, const char *from, size_t length, size_t *gone)
{
    struct socket_end *end = BIO_get_data(bio);
    int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (end->has_more ? MSG_MORE : 0);
    ssize_t n;
    *gone = 0;
    BIO_clear_retry_flags(bio);
    if (end->error)
        return 0;
    do
        n = send(end->fd, from, length, flags);
    while (n < 0 && errno == EINTR);
    *gone = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return 1;
    if (errno == EAGAIN)
        BIO_set_retry_write(bio);
    else
        end->error = errno;
    return 0;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    const struct socket_end *end = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return end->is_ended;
    return command == BIO_CTRL_FLUSH; /* nothing is held back here */
}

/* BIO_TYPE_SOURCE_SINK: no type of its own, as nobody looks for one (and there are but 128). */
BIO_METHOD *socket_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tandem socket");
    if (!method)
        return NULL;
    BIO_meth_set_read_ex(method, socket_read);
    BIO_meth_set_write_ex(method, socket_write);
    BIO_meth_set_ctrl(method, socket_control);
    return method;
}

BIO *socket_bio_open(const BIO_METHOD *method, struct socket_end *end)
{
    BIO *bio = BIO_new(method);
    if (!bio)
        return NULL;
    BIO_set_data(bio, end);
    BIO_set_init(bio, 1);
    return bio;
}
