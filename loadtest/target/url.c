/*
 * url.c — only what a load tool needs of RFC 3986: scheme, authority, and the rest as it is.
 */
#include "url.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <unistd.h>

enum { PROBE_MS = 1000 };

static bool copy_piece(char *to, size_t room, const char *from, size_t length)
{
    if (length >= room)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

/* Path and query; bytes that would break the request line are refused rather than sent. */
static bool parse_uri(const char *text, struct url *url, struct complaint *why)
{
    size_t length = strcspn(text, "#");
    const char *slash = *text == '/' ? "" : "/"; /* "http://host" and "http://host?q" */
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return complain(why, "the URL holds a space or a control character: write it as %%20");
    int n = snprintf(url->uri, sizeof url->uri, "%s%.*s", slash, (int)length, text);
    if (n < 0 || (size_t)n >= sizeof url->uri)
        return complain(why, "the path is longer than %d bytes", URL_URI_MAX - 1);
    return true;
}

static bool parse_unix(const char *text, struct url *url, struct complaint *why)
{
    const char *colon = strstr(text, ":/");
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    struct sockaddr_un un;
    url->unix_socket = true;
    if (length == 0 || length >= sizeof un.sun_path)
        return complain(why, "a Unix socket's path has 1 to %zu bytes: unix:/run/it.sock:/path",
                        sizeof un.sun_path - 1);
    copy_piece(url->host, sizeof url->host, text, length);
    strcpy(url->authority, "localhost");
    return parse_uri(colon ? colon + 1 : "/", url, why);
}

static bool parse_port(const char *text, size_t length, struct url *url, struct complaint *why)
{
    if (length == 0)
        return url->tls ? copy_piece(url->port, sizeof url->port, "443", 3)
                        : copy_piece(url->port, sizeof url->port, "80", 2);
    if (!copy_piece(url->port, sizeof url->port, text, length) ||
        strspn(url->port, "0123456789") != length || atoi(url->port) < 1 || atoi(url->port) > 65535)
        return complain(why, "port \"%.*s\" is not a number from 1 to 65535", (int)length, text);
    return true;
}

/* "name", "name:port", "[v6]" or "[v6]:port" */
static bool parse_authority(const char *text, size_t length, struct url *url, struct complaint *why)
{
    const char *end = text + length;
    const char *host = text;
    const char *host_end;
    if (memchr(text, '@', length))
        return complain(why, "user names in URLs are not sent: use -H 'Authorization: …'");
    if (*text == '[') {
        host++;
        host_end = memchr(text, ']', length);
        if (!host_end)
            return complain(why, "the IPv6 address lacks its closing bracket");
    } else {
        host_end = memchr(text, ':', length);
        if (!host_end)
            host_end = end;
    }
    if (!copy_piece(url->host, sizeof url->host, host, (size_t)(host_end - host)) ||
        !copy_piece(url->authority, sizeof url->authority, text, length))
        return complain(why, "the host name is longer than %d bytes", URL_HOST_MAX - 1);
    if (url->host[0] == '\0')
        return complain(why, "the host is missing: write http://127.0.0.1:8080/path");
    const char *after = *text == '[' ? host_end + 1 : host_end;
    if (after < end && *after != ':')
        return complain(why, "only \":PORT\" may follow the host");
    size_t port_length = after < end ? (size_t)(end - after) - 1 : 0;
    return parse_port(after + 1, port_length, url, why);
}

bool url_parse(const char *text, struct url *url, struct complaint *why)
{
    struct complaint detail;
    bool good;
    memset(url, 0, sizeof *url);
    url->tls = strncasecmp(text, "https://", 8) == 0;
    if (url->tls || strncasecmp(text, "http://", 7) == 0) {
        const char *authority = text + (url->tls ? 8 : 7);
        size_t length = strcspn(authority, "/?#");
        good = parse_authority(authority, length, url, &detail) &&
               parse_uri(authority + length, url, &detail);
    } else if (strncasecmp(text, "unix:", 5) == 0) {
        good = parse_unix(text + 5, url, &detail);
    } else {
        good = complain(&detail, "a URL starts with http://, https:// or unix:/");
    }
    return good || complain(why, "URL %s: %s", text, detail.text);
}

static bool accepts(const struct addrinfo *candidate)
{
    int fd = socket(candidate->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    int error = 0;
    socklen_t size = sizeof error;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    bool good = connect(fd, candidate->ai_addr, candidate->ai_addrlen) == 0 || errno == EINPROGRESS;
    good = good && poll(&wait, 1, PROBE_MS) == 1 &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    close(fd);
    return good;
}

static bool resolve_unix(const struct url *url, struct address *address)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&address->sa;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, url->host, strlen(url->host) + 1); /* the length was checked above */
    address->length = sizeof *un;
    return true;
}

bool url_resolve(const struct url *url, struct address *address, struct complaint *why)
{
    memset(address, 0, sizeof *address);
    if (url->unix_socket)
        return resolve_unix(url, address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list;
    /* No name and not passive is the loopback address, with or without an /etc/hosts. */
    const char *host = strcasecmp(url->host, "localhost") == 0 ? NULL : url->host;
    int error = getaddrinfo(host, url->port, &hints, &list);
    if (error)
        return complain(why, "host %s: %s: check its spelling, or give its address", url->host,
                        gai_strerror(error));
    const struct addrinfo *chosen = list;
    for (const struct addrinfo *a = list; list->ai_next && a; a = a->ai_next)
        if (accepts(a)) {
            chosen = a;
            break;
        }
    memcpy(&address->sa, chosen->ai_addr, chosen->ai_addrlen);
    address->length = chosen->ai_addrlen;
    freeaddrinfo(list);
    return true;
}
