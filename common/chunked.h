/*
 * chunked.h — the chunked transfer coding (RFC 9112 §7.1), strictly, a piece at a time.
 *
 * The state is a few plain integers, because it waits in shared memory between two turns of two
 * different workers: nothing in it could lead a worker astray that is not checked when it is used.
 *
 *   SIZE ─▶ (EXTENSION) ─▶ SIZE_LF ─▶ DATA ─▶ DATA_CR ─▶ DATA_LF ─▶ SIZE …
 *                             └─ size 0 ─▶ TRAILER ─▶ … ─▶ END
 *
 * Trailers are read and forgotten; one that only a head may hold makes the request bad.
 */
#ifndef TANDEM_CHUNKED_H
#define TANDEM_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

struct chunked {
    uint64_t left;     /* bytes of the current chunk still to come */
    uint32_t overhead; /* bytes of extensions and trailers so far */
    uint8_t state;
    uint8_t digits;
    uint32_t name_hash; /* of the trailer field whose name is being read */
};

enum chunked_result { CHUNKED_MORE, CHUNKED_DATA, CHUNKED_END, CHUNKED_BAD };

void chunked_init(struct chunked *k);
/* Consumes from `in` (up to `n` bytes) and sets *used. CHUNKED_DATA: the run *data, *data_len
 * (inside `in`) is body. MORE: all was consumed. END: the body is complete, the rest is not ours.
 * BAD: 400, and the framing is lost. */
enum chunked_result chunked_next(struct chunked *k, const char *in, size_t n, size_t *used,
                                 const char **data, size_t *data_len);

#endif
