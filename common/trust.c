/*
 * trust.c — a list, from first to last: there are few of them, and who trusts nobody never gets here.
 */
#include "trust.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "quantity.h"

enum { BYTE = 8 /* bits */ };
enum { ALL_BITS = ADDRESS_BYTES * BYTE, V4_FROM = ADDRESS_V4_AT * BYTE };

/* Always false. */
__attribute__((format(printf, 3, 4))) static bool complain(char *why, size_t size,
                                                           const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, size, format, ap);
    va_end(ap);
    return false;
}

/* Sets all bits behind the first `bits` to 0. */
static void cut(uint8_t bytes[ADDRESS_BYTES], unsigned bits)
{
    for (unsigned i = 0; i < ADDRESS_BYTES; i++) {
        unsigned kept = bits <= i * BYTE ? 0 : bits - i * BYTE;
        if (kept < BYTE)
            bytes[i] &= (uint8_t)(0xff00 >> kept);
    }
}

/* What was meant, where bits of the host are set: the network that it is in. */
static bool complain_of_host_bits(const char *text, const struct trusted *network, char *why,
                                  size_t size)
{
    struct sockaddr_in6 address;
    char name[INET6_ADDRSTRLEN];
    unsigned bits = network->bits;
    address_of_v6(network->bytes, 0, &address);
    if (address.sin6_family == AF_INET)
        bits -= V4_FROM;
    return complain(why, size,
                    "\"%.100s\" has bits set behind the first %u: write %s/%u, or the address "
                    "alone for one host",
                    text, bits, address_text(&address, name), bits);
}

/* `slash` is where the bits stand, or NULL. `is_dressed`: IPv4, but written as IPv6, and counted so. */
static bool read_bits(const char *text, const char *slash, bool is_v4, bool is_dressed,
                      struct trusted *t, char *why, size_t size)
{
    uint64_t most = is_v4 && !is_dressed ? ALL_BITS - V4_FROM : ALL_BITS, bits = most;
    if (slash && !parse_number(slash + 1, most, &bits))
        return complain(why, size, "\"%.100s\": behind the slash stands a number from 0 to %u",
                        text, (unsigned)most);
    t->bits = (uint8_t)(bits + (ALL_BITS - most));
    return true;
}

static bool read_trusted(const char *text, struct trusted *t, char *why, size_t size)
{
    struct sockaddr_in6 address;
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    if (!address_read(text, length, &address))
        return complain(why, size,
                        "\"%.100s\" is no address: write 192.0.2.1, 192.0.2.0/24, 2001:db8::/32, "
                        "or unix",
                        text);
    address_bytes(&address, t->bytes);
    bool is_dressed = address_is_v4(t->bytes) && memchr(text, ':', length);
    if (!read_bits(text, slash, address_is_v4(t->bytes), is_dressed, t, why, size))
        return false;
    struct trusted network = *t;
    cut(network.bytes, t->bits);
    return memcmp(network.bytes, t->bytes, ADDRESS_BYTES) == 0 ||
           complain_of_host_bits(text, &network, why, size);
}

bool trust_add(struct trust *t, const char *text, char *why, size_t size)
{
    if (strcmp(text, "unix") == 0) {
        t->has_unix = true;
        return true;
    }
    if (t->count == LIMIT_TEXTS)
        return complain(why, size, "more than %d proxies: leave some out, or write ADDR/BITS",
                        LIMIT_TEXTS);
    if (!read_trusted(text, &t->all[t->count], why, size))
        return false;
    t->count++;
    return true;
}

static bool matches(const struct trusted *t, const uint8_t bytes[ADDRESS_BYTES])
{
    unsigned whole = t->bits / BYTE, rest = t->bits % BYTE;
    if (memcmp(t->bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || (t->bytes[whole] ^ bytes[whole]) >> (BYTE - rest) == 0;
}

bool trust_has(const struct trust *t, const struct sockaddr_in6 *a)
{
    uint8_t bytes[ADDRESS_BYTES];
    if (a->sin6_family == AF_UNIX)
        return t->has_unix;
    if (t->count == 0 || !address_bytes(a, bytes))
        return false;
    bool is_v4 = address_is_v4(bytes);
    for (size_t i = 0; i < t->count; i++)
        if ((!is_v4 || t->all[i].bits >= V4_FROM) && matches(&t->all[i], bytes))
            return true;
    return false;
}
