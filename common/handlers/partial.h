/*
 * partial.h — part of a file as the answer: 206 with one range, or several as multipart/byteranges.
 *
 * For a handler, in a worker.
 */
#ifndef TANDEM_PARTIAL_H
#define TANDEM_PARTIAL_H

#include <sys/stat.h>

#include "../handler.h"
#include "../range.h"

/* bytes; several ranges are copied, and a slow client keeps the copy. What is more than this together is
 * not worth it: the whole is sent, which costs a descriptor. */
enum { PARTIAL_LIMIT = 512 * 1024 };

/* The length of all ranges together. */
uint64_t partial_length(const struct ranges *ranges);
/* Makes the answer from `fd`, which it takes over, as `st` described it, of media type `type`: status 206
 * and Content-Range or multipart/byteranges (RFC 9110 §14.4, §14.6). Returns 0, or 500 when the file
 * cannot be read, or has changed while it was. */
int partial_answer(struct response *res, int fd, const struct stat *st, const char *type,
                   const struct ranges *ranges);

#endif
