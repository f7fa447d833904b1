/*
 * channel.c — SOCK_SEQPACKET, SCM_CREDENTIALS, SCM_RIGHTS.
 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signals.h"

bool channel_listen(int fd)
{
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 && signals_wake_by(fd);
}

void channel_leave(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_ASYNC);
}

bool channel_open(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    if (channel_listen(ends[0]))
        return true;
    close(ends[0]);
    close(ends[1]);
    ends[0] = ends[1] = -1;
    return false;
}

/* Not any more, when a handler has closed the number: what has it now is a client's, perhaps, and so are the
 * bytes in it. No connection is of this type. */
static bool is_channel(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

union control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

bool channel_send(int fd, const char *text, int passed)
{
    union control control = {0};
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (passed >= 0) {
        m.msg_control = control.room;
        m.msg_controllen = CMSG_SPACE(sizeof passed);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof passed), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(c), &passed, sizeof passed);
    }
    errno = EBADF;
    return is_channel(fd) && sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static void take_control(struct message *out, struct msghdr *m)
{
    struct ucred who;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_RIGHTS)
            memcpy(&out->passed, CMSG_DATA(c), sizeof out->passed);
        if (c->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&who, CMSG_DATA(c), sizeof who);
            out->sender = who.pid;
        }
    }
}

bool channel_receive(int fd, struct message *out)
{
    union control control;
    struct iovec part = {out->text, sizeof out->text - 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control};
    out->sender = 0;
    out->passed = -1;
    ssize_t n = is_channel(fd) ? recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) : -1;
    if (n <= 0)
        return false;
    out->text[n] = '\0';
    take_control(out, &m);
    return true;
}

long channel_number(const char *text, const char *field, long otherwise)
{
    size_t length = strlen(field);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, field, length) == 0)
            return strtol(line + length, NULL, 10);
    }
    return otherwise;
}
