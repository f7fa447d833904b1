/*
 * uri.h — from the target on the wire to a path and its query (RFC 3986 §2.1, §5.2.4). Pure
 * functions.
 */
#ifndef TANDEM_URI_H
#define TANDEM_URI_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes %XX once, then removes "." and ".." segments. `out` has room for n + 2 bytes and ends
 * with NUL. False: not absolute, bad %XX, an encoded NUL, or it climbs above the root. */
bool uri_path(const char *in, size_t n, char *out);

/* Copies the decoded value of `name` in a query "a=1&b=2" ('+' is a blank). False when it is
 * absent, badly encoded, or does not fit into `size` with its NUL. */
bool uri_query(const char *query, size_t n, const char *name, char *value, size_t size);

/* Encodes each byte that may mean something in a path, so that the result stands for `path` whatever
 * it holds; slashes stay. `out` has room for three times its length and the NUL. */
void uri_encode(const char *path, char *out);

#endif
