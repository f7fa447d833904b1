/*
 * hdrcode.h — a histogram as the text that HdrHistogram's tools exchange ("V2 compressed", base64).
 *
 * A struct hist has the slots of an HdrHistogram made for 1 … 3,600,000,000 with three digits, one
 * for one, so writing loses nothing but what that format has no place for: the exact sum and
 * maximum. They are read back as HdrHistogram tells them: the mean from the middles of the slots,
 * the maximum as the upper end of its slot.
 *
 *   base64 of  ┌──────────┬────────┬───────────────────────────────────────────────┐
 *              │ 1c849314 │ length │ zlib stream of                                │
 *              └──────────┴────────┴───────────────────────────────────────────────┘
 *   ┌──────────┬────────┬────────┬────────┬────────┬─────────┬───────┬─────────────┐
 *   │ 1c849313 │ length │ offset │ digits │ lowest │ highest │ ratio │ counts      │
 *   └──────────┴────────┴────────┴────────┴────────┴─────────┴───────┴─────────────┘
 *    4 bytes    4        4        4        8        8         8       `length` bytes
 *
 * All big-endian. Counts are LEB128 of at most nine bytes, zigzag: a negative one is a run of
 * empty slots. The format's home is the source of the Java HdrHistogram (AbstractHistogram,
 * ZigZagEncoding). Pure functions; any thread.
 */
#ifndef LOADTEST_HDRCODE_H
#define LOADTEST_HDRCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "../complaint.h"
#include "../engine/hist.h"

/* The text, to be freed by the caller; NULL when memory ran out. */
char *hdr_encode(const struct hist *h);

/* Adds the histogram in `text` to `into`. One with other digits or another range is converted: a
 * value counts at the upper end of the slot it was in. False, with the reason in `why`, when the
 * text is no such histogram or holds what does not fit; `into` is then of no further use. Memory
 * for it is bounded (58 MB), whatever the text claims. */
bool hdr_decode(const char *text, size_t length, struct hist *into, struct complaint *why);

#endif
