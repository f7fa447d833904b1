/*
 * url.h — takes a target URL apart, and finds the address behind it.
 *
 *   http[s]://HOST[:PORT][/PATH][?QUERY]   HOST: a name, an IPv4 address, or [an IPv6 address]
 *   unix:/SOCKET/PATH[:/PATH][?QUERY]      a server on a Unix socket
 */
#ifndef LOADTEST_URL_H
#define LOADTEST_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "../complaint.h"

enum { URL_URI_MAX = 4096, URL_HOST_MAX = 256 };

struct url {
    bool unix_socket;
    char host[URL_HOST_MAX];           /* without brackets; the socket's path for a Unix socket */
    bool tls;                          /* https:// */
    char port[6];                      /* "80" or "443" when the URL names none */
    char authority[URL_HOST_MAX + 16]; /* for the Host header, brackets and port as written */
    char uri[URL_URI_MAX];             /* path and query, "/" at least; no fragment */
};

struct address {
    struct sockaddr_storage sa;
    socklen_t length;
};

/* Fills `url`, or says in `why` what is wrong with `text`. */
bool url_parse(const char *text, struct url *url, struct complaint *why);
/* The address of the server; asks the resolver for a name. When a name has several addresses, the
 * first that accepts a connection is taken, so that "localhost" finds a server on 127.0.0.1 only.
 */
bool url_resolve(const struct url *url, struct address *address, struct complaint *why);

#endif
