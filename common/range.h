/*
 * range.h — the Range field: which bytes of a representation the client wants (RFC 9110 §14).
 *
 * A pure function over the field's value and the size of what would be sent whole. Whoever sends looks
 * at the verdict first; a field that is not understood is no error but no field (§14.2).
 *
 * A short field must not cause a long answer (CVE-2011-3192): the ranges given back are disjoint and
 * RANGE_GAP apart, so that together they are never more than the whole, and there are RANGE_MAX at most.
 *
 * Any thread or process may call these; nothing is allocated.
 */
#ifndef TANDEM_RANGE_H
#define TANDEM_RANGE_H

#include <stddef.h>
#include <stdint.h>

enum {
    RANGE_MAX = 16, /* ranges asked for; with one more the field is ignored */
    RANGE_GAP = 80, /* bytes; a smaller gap costs less than the head of another part (§15.3.7.2) */
    RANGE_CONTENT_SIZE = 69, /* "bytes ", three numbers of 20 digits, '-', '/' and the NUL */
};

struct range {
    uint64_t first;  /* 0 to size - 1 */
    uint64_t length; /* bytes, 1 to size - first */
};

struct ranges {
    unsigned count; /* 0 unless the verdict is RANGE_SOME, then 1 to RANGE_MAX */
    struct range range[RANGE_MAX];
};

enum range_verdict {
    RANGE_NONE,          /* as if there were no such field: 200 and the whole */
    RANGE_SOME,          /* 206: one range is sent as it is, several as multipart/byteranges */
    RANGE_UNSATISFIABLE, /* 416 with range_content(…, NULL, size) */
};

/*
 * Reads the value of a Range field, `length` bytes at `value`, for a representation of `size` bytes.
 *
 * RANGE_NONE: another unit than bytes, a value that is not of the grammar (also "5-2"), more than
 * RANGE_MAX ranges, or several that add up to the whole. A single range over the whole, "bytes=0-", is
 * RANGE_SOME: who asks so wants to see whether there are ranges here.
 * RANGE_UNSATISFIABLE: of the grammar, but no range begins within `size`, and none is a suffix of more
 * than 0 bytes. Thus "bytes=0-" of nothing is a 416; "bytes=-5" of nothing is satisfiable (§14.1.2), but
 * no Content-Range can say so: RANGE_NONE.
 *
 * Numbers beyond 64 bits count as very large. Ranges stand in the order in which they were asked for;
 * those that overlap, adjoin or are less than RANGE_GAP apart are one, in the place of the earliest.
 *
 * Call it for GET only (§14.2), when the preconditions and If-Range are evaluated (precondition.h).
 */
enum range_verdict range_parse(const char *value, size_t length, uint64_t size, struct ranges *out);

/*
 * Writes the value of Content-Range (§14.4), with its NUL: "bytes 0-99/1234" for a range of a
 * representation of `size` bytes; for a 416 `range` is NULL, and an asterisk stands in its place.
 * Returns the length without the NUL.
 */
size_t range_content(char out[RANGE_CONTENT_SIZE], const struct range *range, uint64_t size);

#endif
