/*
 * handover.c — sendmsg and recvmsg, with SCM_RIGHTS (unix(7)).
 */
#include "handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STRAYS = 4 /* descriptors a message of somebody else may carry, and we close */ };

union control {
    char bytes[CMSG_SPACE(STRAYS * sizeof(int))];
    struct cmsghdr align;
};

bool handover_send(int channel, const struct handover *h, int fd)
{
    union control control = {{0}};
    struct iovec part = {(void *)(uintptr_t)h, sizeof *h};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(sizeof fd)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    ssize_t sent;
    do
        sent = sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* All descriptors of a message; how many there are. */
static size_t take_descriptors(struct msghdr *message, int fds[STRAYS])
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t bytes = c->cmsg_len - CMSG_LEN(0);
        for (size_t at = 0; at + sizeof(int) <= bytes && count < STRAYS; at += sizeof(int))
            memcpy(&fds[count++], CMSG_DATA(c) + at, sizeof(int));
    }
    return count;
}

static void end_texts(struct tls_facts *f)
{
    f->version[sizeof f->version - 1] = '\0';
    f->cipher[sizeof f->cipher - 1] = '\0';
    f->server_name[sizeof f->server_name - 1] = '\0';
    f->subject[sizeof f->subject - 1] = '\0';
}

static int fail(int error)
{
    errno = error;
    return -1;
}

int handover_receive(int channel, struct handover *h)
{
    int fds[STRAYS];
    union control control;
    struct iovec part = {h, sizeof *h};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    size_t count = take_descriptors(&message, fds);
    if (n == sizeof *h && count == 1 && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        end_texts(&h->facts);
        return fds[0];
    }
    while (count > 0)
        close(fds[--count]);
    if (n == 0)
        return fail(EBADF);
    return fail(n == sizeof *h && message.msg_flags & MSG_CTRUNC ? EMFILE : EPROTO);
}
