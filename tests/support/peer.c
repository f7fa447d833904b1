#include "peer.h"

#include "patience.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct visit {
    struct peer *peer;
    int fd;
};

static void *serve(void *argument)
{
    struct visit v = *(struct visit *)argument;
    free(argument);
    v.peer->visit(v.fd, v.peer->context);
    close(v.fd);
    v.peer->present--;
    return NULL;
}

static void *accept_all(void *argument)
{
    struct peer *p = argument;
    for (;;) {
        int fd = accept(p->listener, NULL, NULL);
        struct visit *v = fd < 0 ? NULL : malloc(sizeof *v);
        pthread_t thread;
        if (!v)
            return NULL;
        p->present++;
        *v = (struct visit){p, fd};
        if (pthread_create(&thread, NULL, serve, v) != 0)
            abort();
        pthread_detach(thread);
    }
}

static socklen_t address_of(const struct peer *p, int family, struct sockaddr_storage *address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
    struct sockaddr_un *un = (struct sockaddr_un *)address;
    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)family;
    if (family == AF_UNIX) {
        snprintf(un->sun_path, sizeof un->sun_path, "%s", p->path);
        return sizeof *un;
    }
    if (family == AF_INET6) {
        in6->sin6_addr = in6addr_loopback;
        return sizeof *in6;
    }
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof *in;
}

void peer_start(struct peer *p, int family)
{
    struct sockaddr_storage address;
    socklen_t size = address_of(p, family, &address);
    pthread_t thread;
    p->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(p->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(p->listener, 1024), 0);
    ck_assert_int_eq(getsockname(p->listener, (struct sockaddr *)&address, &size), 0);
    p->port = ntohs(((struct sockaddr_in *)&address)->sin_port); /* of both kinds of IP */
    ck_assert_int_eq(pthread_create(&thread, NULL, accept_all, p), 0);
    pthread_detach(thread);
}

static bool is_deserted(void *peer)
{
    return ((struct peer *)peer)->present == 0;
}

void peer_see_off(struct peer *p)
{
    ck_assert(eventually(is_deserted, p, patience(3000)));
}

bool peer_read_head(int fd, char *head, size_t room)
{
    size_t n = 0;
    while (n + 1 < room && read(fd, head + n, 1) == 1) {
        head[++n] = '\0';
        if (n >= 4 && strcmp(head + n - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

bool peer_send(int fd, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t n = send(fd, text, length, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        text += n;
        length -= (size_t)n;
    }
    return true;
}

void peer_will_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}
