/*
 * fuzz_range: no Range field gets more than there is, and none twice.
 *
 * Input: one byte that says how many bits of the size count (modulo 65), 8 bytes of size (little
 * endian), then the field's value.
 */
#include "common/range.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint64_t read_size(const uint8_t *data)
{
    unsigned bits = data[0] % 65;
    uint64_t size = 0;
    for (int i = 8; i > 0; i--)
        size = size << 8 | data[i];
    return bits == 0 ? 0 : size >> (64 - bits);
}

static void check_ranges(const struct ranges *r, uint64_t size)
{
    uint64_t left = size;
    assert(r->count <= RANGE_MAX);
    for (unsigned i = 0; i < r->count; i++) {
        const struct range *a = &r->range[i];
        assert(a->length > 0 && a->first < size && a->length <= size - a->first);
        assert(a->length <= left);
        left -= a->length;
        for (unsigned j = 0; j < i; j++) {
            const struct range *b = &r->range[j];
            const struct range *low = a->first < b->first ? a : b, *high = low == a ? b : a;
            assert(high->first - low->first >= low->length);
            assert(high->first - low->first - low->length >= RANGE_GAP);
        }
    }
}

static void check_content(const struct range *range, uint64_t size)
{
    char out[RANGE_CONTENT_SIZE];
    size_t length = range_content(out, range, size);
    assert(length < sizeof out && strlen(out) == length && strncmp(out, "bytes ", 6) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ranges r;
    if (n < 9)
        return -1;
    uint64_t size = read_size(data);
    enum range_verdict verdict = range_parse((const char *)data + 9, n - 9, size, &r);
    assert(verdict == RANGE_NONE || verdict == RANGE_SOME || verdict == RANGE_UNSATISFIABLE);
    assert((verdict == RANGE_SOME) == (r.count > 0));
    check_ranges(&r, size);
    for (unsigned i = 0; i < r.count; i++)
        check_content(&r.range[i], size);
    check_content(NULL, size);
    return 0;
}
