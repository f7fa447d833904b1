/*
 * overread.h — the worst of buffer over-reads: one that reads all there is.
 */
#ifndef TANDEM_MODULES_OVERREAD_H
#define TANDEM_MODULES_OVERREAD_H

#include "../handler.h"

/* The route /fault/overread?find=PREFIX: looks through all memory of this process for PREFIX with
 * at least 8 hex digits behind it, and answers with the digits (8 … 64 of them) of each that it
 * finds, one a line, each once, at most 64. PREFIX itself is not in the answer, or the next request
 * would find that. 400 without PREFIX, or with one longer than 63 bytes; 503 when this process may
 * not look. */
int overread(const struct request *req, struct response *res, void *state);

#endif
