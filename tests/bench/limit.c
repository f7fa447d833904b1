/*
 * limit.c — the least a server can do for a request: wait, read, write. One process, one epoll, an
 * answer made ahead of time for whatever came in; what a real server costs above this is its own.
 *
 * Not a server: it parses nothing, trusts that each read is one whole request, and stops at errors.
 *
 *      limit PORT BODY_SIZE      on 127.0.0.1, until it is killed
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 512, BATCH = 64, REQUEST_ROOM = 4096, BODY_ROOM = 65536 };

static char answer[512 + BODY_ROOM];
static size_t answer_length;

/* As long as the others' answers are: the same fields with values of the same kind. */
static void make_answer(size_t body)
{
    int head =
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 200 OK\r\nServer: limit\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
                 "ETag: \"18a1b2c3d4e5f607-400\"\r\n"
                 "Last-Modified: Wed, 25 Nov 2026 12:00:00 GMT\r\n\r\n",
                 body);
    memset(answer + head, 'x', body);
    answer_length = (size_t)head + body;
}

static int listen_at(unsigned short port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, BACKLOG) != 0) {
        perror("limit: cannot listen");
        exit(EXIT_FAILURE);
    }
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        exit(EXIT_FAILURE);
}

static void admit(int epoll, int listener)
{
    int yes = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(epoll, fd);
}

static void serve(int fd)
{
    char request[REQUEST_ROOM];
    if (read(fd, request, sizeof request) <= 0 ||
        write(fd, answer, answer_length) != (ssize_t)answer_length)
        close(fd);
}

int main(int argc, char **argv)
{
    size_t body = argc == 3 ? strtoul(argv[2], NULL, 10) : BODY_ROOM + 1;
    if (body > BODY_ROOM) {
        fprintf(stderr, "usage: limit PORT BODY_SIZE (at most %d)\n", BODY_ROOM);
        return 2;
    }
    make_answer(body);
    int listener = listen_at((unsigned short)strtoul(argv[1], NULL, 10));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[BATCH];
        int n = epoll_wait(epoll, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                admit(epoll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}
