/*
 * partial.h — part of a file as the answer: 206 with one range, or several as multipart/byteranges.
 *
 * For a handler, in a worker.
 */
#ifndef TANDEM_PARTIAL_H
#define TANDEM_PARTIAL_H

#include "../handler.h"
#include "../range.h"

/* bytes; several ranges that are more than this together are not worth a copy: the whole is sent */
enum { PARTIAL_LIMIT = 8 << 20 };

/* The length of all ranges together. */
uint64_t partial_length(const struct ranges *ranges);
/* Makes the answer from `fd`, which it takes over, of `size` bytes and media type `type`: status 206
 * and Content-Range or multipart/byteranges (RFC 9110 §14.4, §14.6). Returns 0, or 500 when the file
 * cannot be read. */
int partial_answer(struct response *res, int fd, uint64_t size, const char *type,
                   const struct ranges *ranges);

#endif
