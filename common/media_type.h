/*
 * media_type.h — the media type of a file, by the extension of its name.
 *
 * Three tables are asked in turn: the types on which browsers insist, built in; the system's own
 * (/etc/mime.types, of Debian's media-types), which a machine's owner may have changed; and the usual
 * ones, built in, for a system that has none. So a page works whatever the system says, the rest is as
 * the system says, and without a file the server serves the same.
 */
#ifndef TANDEM_MEDIA_TYPE_H
#define TANDEM_MEDIA_TYPE_H

#include <stddef.h>

#define MEDIA_TYPES_PATH "/etc/mime.types"

enum {
    MEDIA_TYPES_MAX = 1 << 20, /* bytes of a file; a larger one is left unread */
    MEDIA_TYPE_SIZE = 128,     /* of a type with its charset and its NUL: what a response holds */
};

struct media_types; /* read-only once it is made */

/*
 * Reads a table of types: lines of "type/subtype extension…", '#' begins a comment. A line that is not so, or
 * whose type does not fit MEDIA_TYPE_SIZE, is skipped. Where an extension stands twice the last line counts,
 * as in Apache. Types and extensions are folded to lower case, the `bytes` in place.
 *
 * NULL is no error: it holds nothing, or memory is short; the built-in tables serve then. What is returned is
 * one piece of memory of the caller's, for media_types_close; `bytes` are not needed any more.
 */
struct media_types *media_types_parse(char *bytes, size_t length);
void media_types_close(struct media_types *types); /* NULL is allowed */

/*
 * The value of Content-Type for the file at `path`, by what follows the last dot of its name, in upper
 * or lower case; application/octet-stream when nobody knows. Text gets "; charset=utf-8"; JSON does not,
 * as it has no other (RFC 8259 §8.1), and neither does XML outside text/, which says so itself.
 *
 * `types` may be NULL. The string lives as long as `types`. Any thread or process may call it.
 */
const char *media_type_of(const struct media_types *types, const char *path);

#endif
