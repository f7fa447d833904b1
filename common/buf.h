/*
 * buf.h — a byte buffer that is born with its limit.
 *
 * Owned by one worker (or by the supervisor) and never shared. A failed append leaves the buffer as
 * it was and sets `failed`, so that a row of appends needs one check at its end.
 */
#ifndef TANDEM_BUF_H
#define TANDEM_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t limit; /* bytes; an append beyond it fails */
    bool failed;
};

void buf_init(struct buf *b, size_t limit);
void buf_free(struct buf *b);
/* Empties it; memory beyond `keep` bytes is given back. */
void buf_reset(struct buf *b, size_t keep);
/* Room for `n` more bytes at data + len; NULL (and failed) when over the limit or out of memory. */
char *buf_room(struct buf *b, size_t n);
bool buf_add(struct buf *b, const void *data, size_t n);
bool buf_text(struct buf *b, const char *text);
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends `text` as the inside of a JSON string: quotes, backslashes and controls escaped. */
bool buf_json(struct buf *b, const char *text, size_t n);
/* Appends `text` as HTML character data or the inside of a quoted attribute: &, <, > and quotes
 * escaped, controls replaced by U+FFFD, everything else as it is. */
bool buf_html(struct buf *b, const char *text, size_t n);

#endif
