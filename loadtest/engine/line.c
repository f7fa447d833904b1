/*
 * line.c — see line.h.
 */
#include "line.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

bool line_init(struct line *l, const char *tls_host, struct tls_context *context,
               struct tls_facts *facts)
{
    *l = (struct line){.fd = -1};
    if (tls_host)
        l->tls = tls_new(context, tls_host, facts);
    return !tls_host || l->tls;
}

static struct epoll_event event_for(void *tag)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = tag};
}

int line_dial(struct line *l, const struct address *address, int epoll, void *tag,
              int receive_buffer)
{
    int family = address->sa.ss_family;
    int on = 1;
    l->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return errno;
    if (family != AF_UNIX)
        setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0) /* the window is agreed on when connecting, so now */
        setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    struct epoll_event event = event_for(tag);
    if ((connect(l->fd, (const struct sockaddr *)&address->sa, address->length) != 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, l->fd, &event) != 0)
        return errno == EAGAIN ? ECONNREFUSED : errno; /* a Unix socket whose backlog is full */
    return 0;
}

static bool is_with_ourselves(const struct line *l)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t size = sizeof here, size_there = sizeof there;
    return getsockname(l->fd, (struct sockaddr *)&here, &size) == 0 &&
           getpeername(l->fd, (struct sockaddr *)&there, &size_there) == 0 && size == size_there &&
           memcmp(&here, &there, size) == 0;
}

int line_dialled(struct line *l, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && l->refused && is_with_ourselves(l)) {
        line_hang_up(l, true); /* at once: whoever comes to listen there needs the port */
        error = ECONNREFUSED;
    }
    l->refused = error == ECONNREFUSED;
    if (error == 0 && l->tls && !tls_begin(l->tls, l->fd))
        return ENOMEM;
    return error;
}

void line_nudge(const struct line *l, int epoll, void *tag)
{
    struct epoll_event event = event_for(tag);
    epoll_ctl(epoll, EPOLL_CTL_MOD, l->fd, &event);
}

ssize_t line_send_pieces(struct line *l, const struct iovec *pieces, size_t count)
{
    if (l->tls)
        return tls_send(l->tls, pieces, count);
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
    return sendmsg(l->fd, &message, MSG_NOSIGNAL);
}

enum outcome line_outcome_of_loss(int error)
{
    if (error == EPROTO)
        return OUTCOME_TLS;
    return error == ECONNABORTED ? OUTCOME_CLOSED : OUTCOME_RESET;
}

void line_end_sending(struct line *l)
{
    if (l->tls)
        tls_end_sending(l->tls);
    shutdown(l->fd, SHUT_WR);
}

void line_hang_up(struct line *l, bool abruptly)
{
    if (l->fd < 0)
        return;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (l->tls)
        tls_end(l->tls, !abruptly);
    if (abruptly) /* the server shall not go on answering somebody who has gone */
        setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(l->fd);
    l->fd = -1;
}

void line_drop(struct line *l)
{
    line_hang_up(l, false);
    tls_free(l->tls);
    l->tls = NULL;
}
