/*
 * health.c — one connection, one request, one status line; all of it before one deadline.
 *
 * It asks as any client would: a server that answers here has a supervisor, a listener and a worker.
 */
#include "health.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "listener.h"

/* "HTTP/1.1 200" and what follows a status. */
enum { STATUS_AT = 9, STATUS_LINE = 13 };

/* A header that speaks for nobody: the connection is ours. */
#define PROXY_UNKNOWN "PROXY UNKNOWN\r\n"

struct question {
    const char *address; /* as typed */
    const char *path;
    bool is_admin;
    const struct trust *trust; /* who has to begin with a PROXY header; NULL: nobody */
};

static struct question ask_what(const struct options *o)
{
    if (o->admin)
        return (struct question){o->admin, "/healthz", true, NULL};
    return (struct question){o->listen.count > 0 ? o->listen.all[0] : o->tls_listen.all[0], "/",
                             false, o->proxy_protocol ? &o->trust : NULL};
}

/* False: errno says why, ETIMEDOUT when the time is up. */
static bool await(int fd, short event, int64_t deadline)
{
    struct pollfd wait = {.fd = fd, .events = event};
    for (;;) {
        int64_t left = deadline - clock_ms();
        int n = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (n > 0)
            return true;
        if (n == 0)
            errno = ETIMEDOUT;
        if (errno != EINTR)
            return false;
    }
}

static bool dial(int fd, const struct sockaddr_storage *at, socklen_t length, int64_t deadline)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (connect(fd, (const struct sockaddr *)at, length) == 0)
        return true;
    if (errno != EINPROGRESS || !await(fd, POLLOUT, deadline))
        return false;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0;
}

/* The beginning of the answer; 0: none came, errno says why (0: the connection ended). */
static size_t hear(int fd, char *answer, size_t size, int64_t deadline)
{
    size_t length = 0;
    while (length < size && await(fd, POLLIN, deadline)) {
        ssize_t n = recv(fd, answer + length, size - length, 0);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n == 0)
            errno = 0;
        if (n <= 0)
            return 0;
        length += (size_t)n;
    }
    return length == size ? length : 0;
}

/* Whether the server takes us, by our own address, for a proxy that has a header to send. */
static bool is_proxy(int fd, const struct trust *trust)
{
    struct sockaddr_in6 us = {0}; /* address.h: whatever its family */
    socklen_t size = sizeof us;
    return trust && getsockname(fd, (struct sockaddr *)&us, &size) == 0 && trust_has(trust, &us);
}

/* The status of the answer; 0: it is no HTTP; -1: errno, as above. */
static int converse(int fd, const struct question *q, int64_t deadline)
{
    char text[128], answer[STATUS_LINE + 1] = "";
    int n = snprintf(text, sizeof text,
                     "%sGET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: health\r\n"
                     "Connection: close\r\n\r\n",
                     is_proxy(fd, q->trust) ? PROXY_UNKNOWN : "", q->path);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n ||
        hear(fd, answer, STATUS_LINE, deadline) == 0)
        return -1;
    int status = (int)strtol(answer + STATUS_AT, NULL, 10);
    return strncmp(answer, "HTTP/1.1 ", STATUS_AT) == 0 && status >= 100 ? status : 0;
}

static int ask(const struct question *q, const struct sockaddr_storage *at, socklen_t length)
{
    int64_t deadline = clock_ms() + HEALTH_PATIENCE;
    int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int status = dial(fd, at, length, deadline) ? converse(fd, q, deadline) : -1;
    int error = errno;
    close(fd);
    errno = error;
    return status;
}

bool health_ask(const struct options *o, char *line, size_t size)
{
    struct question q = ask_what(o);
    struct sockaddr_storage at;
    socklen_t length;
    char why[512];
    if (!listener_reach(q.address, &at, &length, why, sizeof why)) {
        snprintf(line, size, "--health: %s", why);
        return false;
    }
    int status = ask(&q, &at, length);
    bool is_well = q.is_admin ? status == 200 : status > 0 && status < 500;
    if (status > 0)
        snprintf(line, size, "--health: %s%s answers %d", q.address, q.path, status);
    else if (status == 0)
        snprintf(line, size, "--health: %s: that is no HTTP: another program listens there",
                 q.address);
    else if (errno == ETIMEDOUT)
        snprintf(line, size, "--health: %s%s: no answer within %d ms", q.address, q.path,
                 HEALTH_PATIENCE);
    else
        snprintf(line, size, "--health: %s%s: %s", q.address, q.path,
                 errno ? strerror(errno) : "the connection ended without an answer");
    return is_well;
}
