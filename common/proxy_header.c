/*
 * proxy_header.c — both versions; strict, since what is let pass here decides who somebody is.
 */
#include "proxy_header.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "log.h"
#include "quantity.h"
#include "seldom.h"

static enum proxy_step refuse(const char **why, const char *text)
{
    *why = text;
    return PROXY_BAD;
}

/* --- version 2 --- */

static const uint8_t signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    SIGNATURE = sizeof signature - 1,
    COMMAND_AT = SIGNATURE,
    FAMILY_AT,
    LENGTH_AT,
    FIXED = LENGTH_AT + 2
};
enum { VERSION_2 = 2, COMMAND_LOCAL = 0, COMMAND_PROXY = 1, PROTOCOLS = 3 };
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX, FAMILIES };

/* Bytes of source and destination, with their ports. */
static const size_t address_sizes[FAMILIES] = {
    [FAMILY_INET] = 12, [FAMILY_INET6] = 36, [FAMILY_UNIX] = 216};

static unsigned big_endian(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void take_address(unsigned family, const uint8_t *at, struct sockaddr_in6 *client)
{
    switch (family) {
    case FAMILY_INET: /* source, destination, port of the source */
        address_of_v4(at, (uint16_t)big_endian(at + 8), client);
        return;
    case FAMILY_INET6:
        address_of_v6(at, (uint16_t)big_endian(at + 32), client);
        return;
    case FAMILY_UNIX:
        client->sin6_family = AF_UNIX;
        return;
    default:
        return;
    }
}

/* The addresses count, as a header without them, or of a LOCAL command, tells nothing. */
static enum proxy_step read_relayed(const uint8_t *in, struct proxy_header *h, const char **why)
{
    unsigned family = in[FAMILY_AT] >> 4, protocol = in[FAMILY_AT] & 15;
    if (family >= FAMILIES || protocol >= PROTOCOLS)
        return refuse(why, "its header has a family or protocol that there is not");
    if (protocol == 0) /* UNSPEC */
        family = FAMILY_UNSPEC;
    if (h->length - FIXED < address_sizes[family])
        return refuse(why, "its header is too short for the addresses in it");
    take_address(family, in + FIXED, &h->client);
    return PROXY_WHOLE;
}

static enum proxy_step read_binary(const uint8_t *in, size_t n, struct proxy_header *h,
                                   const char **why)
{
    if (n > COMMAND_AT && in[COMMAND_AT] >> 4 != VERSION_2)
        return refuse(why, "its header is of a version that there is not");
    if (n > COMMAND_AT && (in[COMMAND_AT] & 15) > COMMAND_PROXY)
        return refuse(why, "its header has a command that there is not");
    if (n < FIXED)
        return PROXY_MORE;
    *h = (struct proxy_header){.length = FIXED + big_endian(in + LENGTH_AT)};
    if (h->length > PROXY_HEADER_MAX)
        return refuse(why, "its header is longer than 4096 bytes");
    if (n < h->length)
        return PROXY_MORE;
    return (in[COMMAND_AT] & 15) == COMMAND_LOCAL ? PROXY_WHOLE : read_relayed(in, h, why);
}

/* --- version 1 --- */

static const char keyword[] = "PROXY ";

enum { KEYWORD = sizeof keyword - 1, LINE_MAX_1 = 107 /* with its end */, PORT_MAX = 65535 };

/* The next word, which one space separates from what comes next; NULL: there is none. */
static char *next_word(char **rest)
{
    char *word = strsep(rest, " ");
    return word && *word ? word : NULL;
}

static bool read_address(const char *word, bool is_v6, struct sockaddr_in6 *a)
{
    bool has_colon = word && strchr(word, ':');
    return word && has_colon == is_v6 && address_read(word, strlen(word), a);
}

static bool read_port(const char *word, uint64_t *port)
{
    bool has_zeros = word && word[0] == '0' && word[1];
    return word && !has_zeros && parse_number(word, PORT_MAX, port);
}

/* Behind "PROXY "; it is cut up. */
static bool read_words(char *rest, struct sockaddr_in6 *client)
{
    struct sockaddr_in6 destination;
    uint64_t port, other;
    const char *protocol = next_word(&rest);
    if (protocol && strcmp(protocol, "UNKNOWN") == 0)
        return true;
    bool is_v6 = protocol && strcmp(protocol, "TCP6") == 0;
    if (!is_v6 && (!protocol || strcmp(protocol, "TCP4") != 0))
        return false;
    if (!read_address(next_word(&rest), is_v6, client) ||
        !read_address(next_word(&rest), is_v6, &destination) ||
        !read_port(next_word(&rest), &port) || !read_port(next_word(&rest), &other) || rest)
        return false;
    client->sin6_port = htons((uint16_t)port); /* it lies where that of IPv4 does */
    return true;
}
_Static_assert(offsetof(struct sockaddr_in6, sin6_port) == offsetof(struct sockaddr_in, sin_port),
               "one port for both");

static enum proxy_step read_line(const char *in, size_t n, struct proxy_header *h, const char **why)
{
    static const char bad[] = "its header is no line of version 1";
    char line[LINE_MAX_1];
    const char *end = memchr(in, '\r', n < LINE_MAX_1 ? n : LINE_MAX_1);
    if (!end)
        return n < LINE_MAX_1 ? PROXY_MORE : refuse(why, bad);
    size_t length = (size_t)(end - in);
    if (length + 2 > LINE_MAX_1)
        return refuse(why, bad);
    if (length + 1 == n)
        return PROXY_MORE;
    memcpy(line, in, length);
    line[length] = '\0';
    *h = (struct proxy_header){.length = length + 2};
    if (end[1] != '\n' || strlen(line) != length || !read_words(line + KEYWORD, &h->client))
        return refuse(why, bad);
    return PROXY_WHOLE;
}

/* --- either --- */

static bool begins(const void *in, size_t n, const void *with, size_t length)
{
    return memcmp(in, with, n < length ? n : length) == 0;
}

enum proxy_step proxy_header_read(const void *in, size_t n, struct proxy_header *h,
                                  const char **why)
{
    if (n == 0)
        return PROXY_MORE;
    if (begins(in, n, signature, SIGNATURE))
        return read_binary(in, n, h, why);
    if (begins(in, n, keyword, KEYWORD))
        return read_line(in, n, h, why);
    return refuse(why, "it does not begin with a PROXY header");
}

/* --- on a socket --- */

static ssize_t receive(int fd, void *to, size_t room, int flags)
{
    ssize_t n;
    do
        n = recv(fd, to, room, flags | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

/* What lies there hides the end behind it from recv(2). */
static bool has_ended(int fd)
{
    struct pollfd end = {.fd = fd, .events = POLLRDHUP};
    return poll(&end, 1, 0) > 0;
}

enum proxy_step proxy_header_take(int fd, struct sockaddr_in6 *peer, int *waiting, const char **why)
{
    uint8_t in[PROXY_HEADER_MAX];
    struct proxy_header h;
    ssize_t n = receive(fd, in, sizeof in, MSG_PEEK);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        return PROXY_ENDED;
    *waiting = n > 0 ? (int)n : 0;
    enum proxy_step step = proxy_header_read(in, (size_t)*waiting, &h, why);
    if (step == PROXY_MORE && *waiting > 0 && has_ended(fd))
        return PROXY_ENDED;
    if (step != PROXY_WHOLE)
        return step;
    if (receive(fd, in, h.length, 0) != (ssize_t)h.length)
        return PROXY_ENDED;
    if (h.client.sin6_family != AF_UNSPEC)
        *peer = h.client;
    return PROXY_WHOLE;
}

void proxy_header_complain(const struct sockaddr_in6 *peer, const char *why)
{
    enum { PAUSE = 5000 /* ms */ };
    static struct seldom seldom;
    char text[INET6_ADDRSTRLEN];
    unsigned held_back;
    if (!seldom_may(&seldom, PAUSE, &held_back))
        return;
    log_line(LOG_WARN,
             "a connection of the trusted proxy %s is reset: %s: have it send one (HAProxy: "
             "send-proxy-v2), or leave out --proxy-protocol (%u more like it)",
             address_text(peer, text), why, held_back);
}
