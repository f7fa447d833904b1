/*
 * address.c — inet_pton(3) and inet_ntop(3) know the forms; what is left is that IPv4 has two of them.
 */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped[ADDRESS_V4_AT] = {[10] = 0xff, [11] = 0xff};

void address_of_v4(const void *bytes, uint16_t port, struct sockaddr_in6 *a)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&v4.sin_addr, bytes, sizeof v4.sin_addr);
    *a = (struct sockaddr_in6){0};
    memcpy(a, &v4, sizeof v4);
}

void address_of_v6(const void *bytes, uint16_t port, struct sockaddr_in6 *a)
{
    if (address_is_v4(bytes)) {
        address_of_v4((const uint8_t *)bytes + ADDRESS_V4_AT, port, a);
        return;
    }
    *a = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&a->sin6_addr, bytes, sizeof a->sin6_addr);
}

bool address_read(const char *text, size_t n, struct sockaddr_in6 *a)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[ADDRESS_BYTES];
    if (n >= sizeof copy || memchr(text, '\0', n))
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        address_of_v4(bytes, 0, a);
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) != 1)
        return false;
    address_of_v6(bytes, 0, a);
    return true;
}

static const struct in_addr *v4_of(const struct sockaddr_in6 *a)
{
    return &((const struct sockaddr_in *)(const void *)a)->sin_addr;
}

bool address_bytes(const struct sockaddr_in6 *a, uint8_t bytes[ADDRESS_BYTES])
{
    switch (a->sin6_family) {
    case AF_INET:
        memcpy(bytes, mapped, sizeof mapped);
        memcpy(bytes + ADDRESS_V4_AT, v4_of(a), sizeof(struct in_addr));
        return true;
    case AF_INET6:
        memcpy(bytes, &a->sin6_addr, ADDRESS_BYTES);
        return true;
    default:
        return false;
    }
}

bool address_is_v4(const uint8_t bytes[ADDRESS_BYTES])
{
    return memcmp(bytes, mapped, sizeof mapped) == 0;
}

bool address_is_same(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    uint8_t of_a[ADDRESS_BYTES], of_b[ADDRESS_BYTES];
    bool has_a = address_bytes(a, of_a), has_b = address_bytes(b, of_b);
    if (has_a && has_b)
        return memcmp(of_a, of_b, sizeof of_a) == 0;
    return !has_a && !has_b && a->sin6_family == b->sin6_family;
}

const char *address_text(const struct sockaddr_in6 *a, char text[INET6_ADDRSTRLEN])
{
    const void *from = a->sin6_family == AF_INET ? (const void *)v4_of(a) : &a->sin6_addr;
    if (a->sin6_family == AF_UNIX)
        return strcpy(text, "unix");
    if (!inet_ntop(a->sin6_family, from, text, INET6_ADDRSTRLEN))
        strcpy(text, "-");
    return text;
}
