/*
 * address.h — whose connection it is: the address of a peer or a client, IPv4 and IPv6 alike.
 *
 * It lies in a struct sockaddr_in6, whatever its family: AF_INET as itself, AF_INET6, or AF_UNIX, of which
 * nothing is known but that. IPv4 that comes dressed as IPv6 (::ffff:192.0.2.1, RFC 4291 §2.5.5.2) is the
 * same host as 192.0.2.1, and is treated so.
 *
 * Nothing here allocates or waits. Any thread or process may call these.
 */
#ifndef TANDEM_ADDRESS_H
#define TANDEM_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADDRESS_BYTES = 16, ADDRESS_V4_AT = 12 /* of those, IPv4 has the last */ };

/* From text[0 … n): "192.0.2.1" or "2001:db8::1", without brackets, port or zone. The port is 0. False:
 * it is none, and *a is as it was. */
bool address_read(const char *text, size_t n, struct sockaddr_in6 *a);
/* From the bytes of the wire: 4 of IPv4, 16 of IPv6, and a port in host order. */
void address_of_v4(const void *bytes, uint16_t port, struct sockaddr_in6 *a);
void address_of_v6(const void *bytes, uint16_t port, struct sockaddr_in6 *a);

/* As IPv6, which has room for both. False: it has no bytes (AF_UNIX). */
bool address_bytes(const struct sockaddr_in6 *a, uint8_t bytes[ADDRESS_BYTES]);
/* Of address_bytes: they are those of IPv4. */
bool address_is_v4(const uint8_t bytes[ADDRESS_BYTES]);
/* The same host; ports do not count. */
bool address_is_same(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b);

/* "192.0.2.1", "2001:db8::1", "unix"; "-" when nothing is known. Returns `text`. */
const char *address_text(const struct sockaddr_in6 *a, char text[INET6_ADDRSTRLEN]);

#endif
