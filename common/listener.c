/*
 * listener.c — from what the user typed to a listening socket, or to one line on how to mend it.
 *
 * Options that accepted sockets inherit are set here, once, instead of once per connection.
 */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "quantity.h"

#define UNIX_PREFIX "unix:"

/* An address taken apart; the port stays text, as getaddrinfo wants it. */
struct place {
    const char *path; /* of a unix socket; NULL: host and port */
    char host[256];   /* "" means all addresses */
    char port[8];
    bool is_ipv6; /* it stood in brackets */
};

static bool take_path(struct place *p, const char *path, char *why, size_t size)
{
    struct sockaddr_un sun;
    p->path = path;
    if (*path == '/' && strlen(path) < sizeof sun.sun_path)
        return true;
    snprintf(why, size, "\"unix:%.200s\": %s", path,
             *path == '/' ? "the path is too long: at most 107 bytes fit a socket"
                          : "the path must be absolute: write unix:/path");
    return false;
}

static bool take_port(struct place *p, const char *port)
{
    uint64_t number;
    if (!parse_number(port, 65535, &number))
        return false;
    snprintf(p->port, sizeof p->port, "%u", (unsigned)number);
    return true;
}

/* A name, or four numbers; "300.1.2.3" is neither, and no resolver need be asked. */
static bool is_name_or_ipv4(const char *host)
{
    struct in_addr ignored;
    if (strpbrk(host, "[]*:/ \t"))
        return false;
    bool is_numeric = *host && strspn(host, "0123456789.") == strlen(host);
    return !is_numeric || inet_pton(AF_INET, host, &ignored) == 1;
}

/* The host without its brackets; "" and "*" are all addresses. */
static bool take_host(struct place *p, const char *host, size_t length)
{
    p->is_ipv6 = length >= 2 && host[0] == '[' && host[length - 1] == ']';
    if (p->is_ipv6) {
        host++;
        length -= 2;
    } else if (length == 1 && *host == '*') {
        length = 0;
    }
    if (length >= sizeof p->host)
        return false;
    memcpy(p->host, host, length);
    p->host[length] = '\0';
    if (!p->is_ipv6)
        return is_name_or_ipv4(p->host);
    char bare[sizeof p->host];
    struct in6_addr ignored;
    memcpy(bare, p->host, length + 1);
    bare[strcspn(bare, "%")] = '\0'; /* "fe80::1%eth0": which link */
    return inet_pton(AF_INET6, bare, &ignored) == 1;
}

static bool take_apart(struct place *p, const char *address, char *why, size_t size)
{
    *p = (struct place){0};
    if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return take_path(p, address + strlen(UNIX_PREFIX), why, size);
    const char *colon = strrchr(address, ':');
    if (colon && take_host(p, address, (size_t)(colon - address)) && take_port(p, colon + 1))
        return true;
    snprintf(why, size,
             "\"%.200s\" is no address: write ADDR:PORT (127.0.0.1:8080, [::1]:8080, *:8080 for all"
             " addresses) or unix:/path",
             address);
    return false;
}

bool listener_check(const char *address, char *why, size_t size)
{
    struct place p;
    return take_apart(&p, address, why, size);
}

static const char *mend(const struct place *p)
{
    switch (errno) {
    case EACCES:
        return p->path ? ": choose a folder this user may write to"
                       : ": choose a port above 1023, or grant CAP_NET_BIND_SERVICE";
    case EADDRINUSE:
        return p->path ? ": another program listens there; stop it or choose another path"
                       : ": another program listens there; stop it or choose another port";
    case EADDRNOTAVAIL:
        return ": no interface has this address; `ip addr` shows the ones there are";
    case EAFNOSUPPORT:
        return ": this system has no such protocol; try 127.0.0.1";
    case ENOENT:
        return ": create the folder first";
    case EMFILE:
    case ENFILE:
        return ": raise the limit of open files (ulimit -n)";
    default:
        return "";
    }
}

/* Binds and listens; closes `fd` when it cannot, errno says why. */
static bool listen_on(int fd, const struct sockaddr *address, socklen_t length)
{
    if (bind(fd, address, length) == 0 && listen(fd, SOMAXCONN) == 0)
        return true;
    int error = errno;
    close(fd);
    errno = error;
    return false;
}

static int open_inet(const struct addrinfo *ai, bool dual)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, v6only = !dual; /* so that [::]:80 and 0.0.0.0:80 may stand side by side */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by accept */
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
    return listen_on(fd, ai->ai_addr, ai->ai_addrlen) ? fd : -1;
}

/* Resolves the place in one family. Returns 0, or an error of getaddrinfo (EAI_SYSTEM: errno).
 * localhost is what it is whether or not there is an /etc/hosts (RFC 6761 §6.3). */
static int try_family(int *fd, const struct place *p, int family)
{
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    bool is_local = strcasecmp(p->host, "localhost") == 0;
    if (is_local)
        hints.ai_flags &= ~AI_PASSIVE; /* no name and not passive: the loopback address */
    int error = getaddrinfo(*p->host && !is_local ? p->host : NULL, p->port, &hints, &found);
    if (error)
        return error;
    errno = EADDRNOTAVAIL;
    *fd = -1;
    for (const struct addrinfo *ai = found; ai && *fd < 0; ai = ai->ai_next)
        *fd = open_inet(ai, !*p->host);
    error = errno;
    freeaddrinfo(found);
    errno = error;
    return *fd < 0 ? EAI_SYSTEM : 0;
}

/* All addresses: IPv6, which then takes IPv4 too, else IPv4. A name: IPv4 first, since clients that
 * try IPv6 first fall back to it, while those that know only IPv4 have no other choice. */
static int open_host(int *fd, const struct place *p)
{
    if (p->is_ipv6)
        return try_family(fd, p, AF_INET6);
    int first = *p->host ? AF_INET : AF_INET6;
    int error = try_family(fd, p, first);
    bool absent = error && (error != EAI_SYSTEM || errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
    if (!absent)
        return error;
    int kept = errno, other = try_family(fd, p, first == AF_INET ? AF_INET6 : AF_INET);
    if (other == 0 || (other == EAI_SYSTEM && error != EAI_SYSTEM))
        return other;
    errno = kept; /* the first failure is the one that tells */
    return error;
}

/* --- what it is called --- */

static void name_inet(struct listener *l)
{
    struct sockaddr_storage at;
    socklen_t length = sizeof at;
    char host[64] = "?", port[8] = "?";
    if (getsockname(l->fd, (struct sockaddr *)&at, &length) == 0)
        getnameinfo((struct sockaddr *)&at, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(l->name, sizeof l->name, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static bool open_tcp(struct listener *l, const struct place *p, const char *address, char *why,
                     size_t size)
{
    int error = open_host(&l->fd, p);
    if (error == 0) {
        name_inet(l);
        return true;
    }
    if (error == EAI_SYSTEM)
        snprintf(why, size, "cannot listen on %.200s: %s%s", address, strerror(errno), mend(p));
    else
        snprintf(why, size, "cannot listen on %.200s: %s: give an address of this machine, or *",
                 address, gai_strerror(error));
    return false;
}

/* A socket file outlives the program that made it. True when the path is free or has been freed: a
 * socket that refuses us has nobody behind it. */
static bool free_path(const struct sockaddr_un *sun, char *why, size_t size)
{
    const char *path = sun->sun_path;
    struct stat st;
    if (lstat(path, &st) != 0)
        return true; /* what else may be wrong, bind will say */
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(why, size,
                 "cannot listen on unix:%s: it is no socket: remove it or choose another path",
                 path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool refused =
        connect(fd, (const struct sockaddr *)sun, sizeof *sun) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (refused)
        unlink(path);
    return true;
}

static bool open_unix(struct listener *l, const struct place *p, char *why, size_t size)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", p->path);
    if (!free_path(&sun, why, size))
        return false;
    l->is_unix = true;
    l->maker = getpid();
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || !listen_on(l->fd, (const struct sockaddr *)&sun, sizeof sun)) {
        snprintf(why, size, "cannot listen on unix:%s: %s%s", p->path, strerror(errno), mend(p));
        return false;
    }
    snprintf(l->name, sizeof l->name, UNIX_PREFIX "%s", p->path);
    return true;
}

bool listener_open(struct listener *l, const char *address, char *why, size_t size)
{
    struct place p;
    *l = (struct listener){.fd = -1, .typed = address, .is_own = true};
    if (!take_apart(&p, address, why, size))
        return false;
    bool open = p.path ? open_unix(l, &p, why, size) : open_tcp(l, &p, address, why, size);
    if (!open)
        l->fd = -1;
    return open;
}

/* --- the same place, as a client sees it --- */

static bool is_wildcard(const struct sockaddr_storage *address)
{
    static const struct in6_addr all; /* :: */
    if (address->ss_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_addr.s_addr == INADDR_ANY;
    return memcmp(&((const struct sockaddr_in6 *)address)->sin6_addr, &all, sizeof all) == 0;
}

static void use_loopback(struct sockaddr_storage *at)
{
    if (at->ss_family == AF_INET)
        ((struct sockaddr_in *)at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)at)->sin6_addr = in6addr_loopback;
}

/* "" is loopback here: whoever listens on all addresses listens on that of IPv4 in any case. */
static int resolve(const struct place *p, int family, struct sockaddr_storage *at,
                   socklen_t *length)
{
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    bool has_name = *p->host && strcasecmp(p->host, "localhost") != 0;
    int error = getaddrinfo(has_name ? p->host : NULL, p->port, &hints, &found);
    if (error)
        return error;
    memcpy(at, found->ai_addr, found->ai_addrlen);
    *length = found->ai_addrlen;
    freeaddrinfo(found);
    if (is_wildcard(at))
        use_loopback(at);
    return 0;
}

static void reach_unix(const struct place *p, struct sockaddr_storage *at, socklen_t *length)
{
    struct sockaddr_un *sun = (struct sockaddr_un *)at;
    sun->sun_family = AF_UNIX;
    snprintf(sun->sun_path, sizeof sun->sun_path, "%s", p->path);
    *length = sizeof *sun;
}

bool listener_reach(const char *address, struct sockaddr_storage *at, socklen_t *length, char *why,
                    size_t size)
{
    struct place p;
    *at = (struct sockaddr_storage){0};
    if (!take_apart(&p, address, why, size))
        return false;
    if (p.path) {
        reach_unix(&p, at, length);
        return true;
    }
    if (strcmp(p.port, "0") == 0) {
        snprintf(why, size, "%.200s: port 0 is another one each time: give the server a port",
                 address);
        return false;
    }
    int error = resolve(&p, p.is_ipv6 ? AF_INET6 : AF_INET, at, length);
    if (error && !p.is_ipv6)
        error = resolve(&p, AF_INET6, at, length);
    if (error)
        snprintf(why, size, "%.200s: %s", address, gai_strerror(error));
    return error == 0;
}

static void close_one(const struct listener *l)
{
    if (l->fd >= 0) /* else it was lost, and could not be opened again */
        close(l->fd);
    if (l->is_unix && l->maker == getpid())
        unlink(l->name + strlen(UNIX_PREFIX));
}

void listeners_close(struct listeners *ls)
{
    for (size_t i = 0; i < ls->count; i++)
        close_one(&ls->all[i]);
    ls->count = 0;
}

void listeners_close_public(struct listeners *ls)
{
    size_t kept = 0;
    for (size_t i = 0; i < ls->count; i++)
        if (ls->all[i].kind == LISTENER_ADMIN)
            ls->all[kept++] = ls->all[i];
        else
            close_one(&ls->all[i]);
    ls->count = kept;
}

union address {
    struct sockaddr any;
    struct sockaddr_in ip; /* its port is at the same place in sockaddr_in6 */
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
    struct sockaddr_storage room;
};

static socklen_t address_of(int fd, union address *address)
{
    socklen_t size = sizeof *address;
    memset(address, 0, sizeof *address);
    return getsockname(fd, &address->any, &size) == 0 ? size : 0;
}

/* --- sockets that listen already --- */

static void name_unix(struct listener *l)
{
    struct sockaddr_un sun = {0};
    socklen_t size = sizeof sun;
    if (getsockname(l->fd, (struct sockaddr *)&sun, &size) == 0)
        snprintf(l->name, sizeof l->name, UNIX_PREFIX "%.*s", (int)sizeof sun.sun_path,
                 sun.sun_path);
}

void listener_adopt(struct listener *l, int fd, const char *typed, bool is_own)
{
    union address at;
    int on = 1;
    *l = (struct listener){.fd = fd, .is_own = is_own};
    l->is_unix = address_of(fd, &at) > 0 && at.any.sa_family == AF_UNIX;
    if (l->is_unix) {
        name_unix(l);
        l->maker = is_own ? getpid() : 0;
    } else {
        name_inet(l);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    l->typed = typed ? typed : l->name;
}

static const void *host_of(const union address *a, size_t *size)
{
    bool is_ipv6 = a->any.sa_family == AF_INET6;
    *size = is_ipv6 ? sizeof a->ipv6.sin6_addr : sizeof a->ip.sin_addr;
    return is_ipv6 ? (const void *)&a->ipv6.sin6_addr : (const void *)&a->ip.sin_addr;
}

static bool has_host(const union address *a, const struct addrinfo *ai)
{
    union address other = {0};
    size_t size;
    if (ai->ai_family != a->any.sa_family || ai->ai_addrlen > sizeof other)
        return false;
    memcpy(&other, ai->ai_addr, ai->ai_addrlen);
    const void *host = host_of(a, &size);
    return memcmp(host, host_of(&other, &size), size) == 0;
}

/* Whichever of its addresses: it may have been opened by another one than we would choose. */
static bool is_at_host(const union address *a, const struct place *p)
{
    bool is_local = strcasecmp(p->host, "localhost") == 0;
    struct addrinfo hints = {.ai_family = p->is_ipv6 ? AF_INET6 : AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = is_local ? 0 : AI_PASSIVE};
    struct addrinfo *found = NULL;
    bool is_there = false;
    if (getaddrinfo(*p->host && !is_local ? p->host : NULL, p->port, &hints, &found) != 0)
        return false;
    for (const struct addrinfo *ai = found; ai && !is_there; ai = ai->ai_next)
        is_there = has_host(a, ai);
    freeaddrinfo(found);
    return is_there;
}

bool listener_is_at(int fd, const char *address, bool is_any_port)
{
    struct place p;
    union address at;
    char why[512];
    if (address_of(fd, &at) == 0 || !take_apart(&p, address, why, sizeof why))
        return false;
    if (p.path || at.any.sa_family == AF_UNIX)
        return p.path && at.any.sa_family == AF_UNIX && strcmp(p.path, at.local.sun_path) == 0;
    unsigned long port = strtoul(p.port, NULL, 10);
    bool is_port = port == 0 ? is_any_port : port == ntohs(at.ip.sin_port);
    return is_port && is_at_host(&at, &p);
}

/* --- what has come through them --- */

static bool has_peer(int fd)
{
    union address peer;
    socklen_t size = sizeof peer;
    return getpeername(fd, &peer.any, &size) == 0;
}

bool listeners_accepted(const struct listeners *ls, int fd)
{
    union address ours, theirs;
    socklen_t size = address_of(fd, &ours);
    for (size_t i = 0; size > 0 && i < ls->count; i++) {
        if (address_of(ls->all[i].fd, &theirs) != size ||
            ours.any.sa_family != theirs.any.sa_family)
            continue;
        if (ours.any.sa_family == AF_UNIX ? memcmp(&ours, &theirs, size) == 0
                                          : ours.ip.sin_port == theirs.ip.sin_port)
            return has_peer(fd);
    }
    return false;
}

void listeners_announce(const char *line, int ready_fd)
{
    struct iovec parts[] = {{(void *)(uintptr_t)line, strlen(line)}, {(void *)(uintptr_t) "\n", 1}};
    if (ready_fd < 0)
        return;
    ssize_t written; /* one write, less than PIPE_BUF: whole or not at all */
    do
        written = writev(ready_fd, parts, 2);
    while (written < 0 && errno == EINTR);
    if (ready_fd >
        STDERR_FILENO) /* the number of a standard stream must not fall to a connection */
        close(ready_fd);
}
