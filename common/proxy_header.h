/*
 * proxy_header.h — what a proxy sends before all else, so that we know whose connection it passes on: the
 * PROXY protocol, versions 1 and 2 (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt).
 *
 *      version 2   \r\n\r\n\0\r\nQUIT\n  ver|cmd  family|protocol  length (2)   addresses, TLVs
 *      version 1   PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n
 *
 * With --proxy-protocol, each connection of a --trusted-proxy must begin with it, and nobody else's may:
 * by the address it is decided what the first bytes are, and never guessed by looking at them. What
 * version it is, the bytes say; no beginning of one is a beginning of the other, or of HTTP or TLS.
 *
 *      PROXY    the source stands in place of the peer: IPv4, IPv6, or a unix socket
 *      LOCAL    the proxy speaks for itself (it looks whether we live): the peer stays what it is
 *      UNSPEC, UNKNOWN    the proxy does not know: likewise
 *
 * TLVs are skipped, the checksum among them, as the specification allows.
 *
 * The header is looked at where it lies, in the socket (MSG_PEEK), and taken out of it when it is whole.
 * So one that comes in pieces needs no memory here, and whoever dies over it leaves it as it was.
 *
 * Any thread or process may call these, for a socket it owns.
 */
#ifndef TANDEM_PROXY_HEADER_H
#define TANDEM_PROXY_HEADER_H

#include <netinet/in.h>
#include <stddef.h>

/* The longest that is taken. Of that size are those with a client's certificate behind them; others hold
 * 28 to 300 bytes. */
enum { PROXY_HEADER_MAX = 4096 };

struct proxy_header {
    size_t length;              /* in bytes, what is skipped included */
    struct sockaddr_in6 client; /* AF_UNSPEC: it is the peer itself */
};

enum proxy_step {
    PROXY_WHOLE,
    PROXY_MORE,  /* so far it is a good beginning */
    PROXY_ENDED, /* the peer has gone, with or without half a header */
    PROXY_BAD    /* it is none */
};

/* What in[0 … n) begins with. PROXY_WHOLE: *h is filled; PROXY_BAD: *why says what is wrong (static).
 * Never PROXY_ENDED. */
enum proxy_step proxy_header_read(const void *in, size_t n, struct proxy_header *h,
                                  const char **why);

/* The same for what has come on a non-blocking socket, after each event. PROXY_WHOLE: the header is taken
 * out of it, and *peer is the client if it names one; what lies behind it no event will tell of.
 * PROXY_MORE: *waiting bytes lie there. */
enum proxy_step proxy_header_take(int fd, struct sockaddr_in6 *peer, int *waiting,
                                  const char **why);

/* Warns that a connection of `peer` is reset for want of a header; now and then, for a proxy that sends
 * none does so often. */
void proxy_header_complain(const struct sockaddr_in6 *peer, const char *why);

#endif
