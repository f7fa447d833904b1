/*
 * hdrcode.c — the only file that knows zlib.
 */
#include "hdrcode.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base64.h"

/* The second hexadecimal digit from the right tells the size of a word; 1: as V2 writes them. */
#define COOKIE_PACKED UINT32_C(0x1c849304)
#define COOKIE_PLAIN UINT32_C(0x1c849303)
#define WORD_SIZE UINT32_C(0xf0)
#define V2_WORDS UINT32_C(0x10)

#define RATIO_ONE UINT64_C(0x3ff0000000000000) /* 1.0 as a double */

enum { DIGITS = 3, WORD_MAX = 9, WRAPPER_SIZE = 8, HEADER_SIZE = 40 };
enum { ENCODED_MAX = HEADER_SIZE + WORD_MAX * HIST_SLOTS };

static uint8_t *put_u32(uint8_t *to, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (uint8_t)(n >> shift);
    return to;
}

static uint8_t *put_u64(uint8_t *to, uint64_t n)
{
    return put_u32(put_u32(to, (uint32_t)(n >> 32)), (uint32_t)n);
}

static uint32_t get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static uint64_t get_u64(const uint8_t *from)
{
    return (uint64_t)get_u32(from) << 32 | get_u32(from + 4);
}

/* ── Writing ───────────────────────────────────────────────────────────────────────────────────*/

/* Seven bits to a byte, the lowest first; unlike the usual LEB128 a ninth byte holds eight. */
static uint8_t *put_word(uint8_t *to, uint64_t word)
{
    for (int i = 1; i < WORD_MAX && word >= 0x80; i++) {
        *to++ = (uint8_t)(word | 0x80);
        word >>= 7;
    }
    *to++ = (uint8_t)word;
    return to;
}

static uint8_t *put_counts(uint8_t *to, const struct hist *h)
{
    unsigned end = hist_slot_of(h->max_us) + 1;
    for (unsigned i = 0; i < end;) {
        unsigned zeros = 0;
        while (i + zeros < end && h->count[i + zeros] == 0)
            zeros++;
        if (zeros > 1)
            to = put_word(to, 2 * (uint64_t)zeros - 1); /* -zeros in zigzag */
        else
            to = put_word(to, h->count[i] << 1);
        i += zeros > 1 ? zeros : 1;
    }
    return to;
}

/* Writes at most ENCODED_MAX bytes. */
static size_t put_histogram(uint8_t *out, const struct hist *h)
{
    uint8_t *end = put_counts(out + HEADER_SIZE, h);
    uint8_t *to = put_u32(out, COOKIE_PLAIN | V2_WORDS);
    to = put_u32(to, (uint32_t)(end - out - HEADER_SIZE));
    to = put_u32(to, 0); /* slots are where one expects them */
    to = put_u32(to, DIGITS);
    to = put_u64(to, 1);
    to = put_u64(to, (uint64_t)HIST_MAX_US);
    put_u64(to, RATIO_ONE);
    return (size_t)(end - out);
}

static char *pack(const uint8_t *plain, size_t n)
{
    uLongf length = compressBound(n);
    uint8_t *packed = malloc(WRAPPER_SIZE + length);
    char *text = NULL;
    if (packed && compress(packed + WRAPPER_SIZE, &length, plain, n) == Z_OK) {
        put_u32(put_u32(packed, COOKIE_PACKED | V2_WORDS), (uint32_t)length);
        text = malloc(base64_text_length(WRAPPER_SIZE + length) + 1);
        if (text)
            base64_encode(packed, WRAPPER_SIZE + length, text);
    }
    free(packed);
    return text;
}

char *hdr_encode(const struct hist *h)
{
    uint8_t *plain = malloc(ENCODED_MAX);
    char *text = plain ? pack(plain, put_histogram(plain, h)) : NULL;
    free(plain);
    return text;
}

/* ── Reading ───────────────────────────────────────────────────────────────────────────────────*/

/* What the slots of somebody's histogram are: as in hist.c, with other powers of two. */
struct layout {
    unsigned half_bits; /* an octave has two to the power of this slots */
    unsigned unit_bits; /* the narrowest slot is two to the power of this wide */
    uint64_t slots;
};

static bool make_layout(struct layout *l, uint32_t digits, uint64_t lowest, uint64_t highest)
{
    if (digits > 5 || lowest < 1 || highest > INT64_MAX || highest / 2 < lowest)
        return false;
    uint64_t single = 2; /* up to here a slot is one unit wide, at least */
    for (uint32_t i = 0; i < digits; i++)
        single *= 10;
    *l = (struct layout){.unit_bits = 63U - (unsigned)__builtin_clzll(lowest)};
    while (UINT64_C(2) << l->half_bits < single)
        l->half_bits++;
    if (l->unit_bits + l->half_bits > 61)
        return false;
    uint64_t octaves = 2;
    for (uint64_t reach = UINT64_C(2) << (l->half_bits + l->unit_bits); reach <= highest;) {
        octaves++;
        if (reach > INT64_MAX / 2)
            break;
        reach *= 2;
    }
    l->slots = octaves << l->half_bits;
    return true;
}

static bool take_word(const uint8_t **at, const uint8_t *end, uint64_t *word)
{
    *word = 0;
    for (unsigned i = 0; i < WORD_MAX && *at < end; i++) {
        uint64_t byte = *(*at)++;
        if (i == WORD_MAX - 1 || byte < 0x80) {
            *word |= byte << (7 * i);
            return true;
        }
        *word |= (byte & 0x7f) << (7 * i);
    }
    return false;
}

static bool add_slot(struct hist *into, const struct layout *l, uint64_t slot, uint64_t n,
                     struct complaint *why)
{
    uint64_t octave = slot >> l->half_bits;
    unsigned shift = octave > 0 ? (unsigned)octave - 1 : 0;
    uint64_t low = (slot - ((uint64_t)shift << l->half_bits)) << (shift + l->unit_bits);
    uint64_t width = UINT64_C(1) << (shift + l->unit_bits);
    if (n == 0)
        return true;
    if (low > HIST_MAX_US)
        return complain(why, "the histogram has values of more than an hour, if they are in "
                             "microseconds: was it recorded in nanoseconds?");
    return hist_add_range(into, (int64_t)low, (int64_t)(low + width - 1), n) ||
           complain(why, "the histogram has more values than can be added up");
}

static bool add_counts(struct hist *into, const struct layout *l, const uint8_t *at,
                       const uint8_t *end, struct complaint *why)
{
    uint64_t slot = 0;
    while (at < end) {
        uint64_t word;
        if (!take_word(&at, end, &word))
            return complain(why, "the histogram's last count is cut short");
        uint64_t slots = word & 1 ? word / 2 + 1 : 1;
        if (slots > l->slots - slot)
            return complain(why, "the histogram has more slots than its range and digits allow");
        if (!(word & 1) && !add_slot(into, l, slot, word / 2, why))
            return false;
        slot += slots;
    }
    return true;
}

/* Fills `to` from the zlib stream; the number of bytes there were, and whether it ended well. */
static size_t unpack(z_stream *z, uint8_t *to, size_t room, bool *ended)
{
    int status = Z_OK;
    z->next_out = to;
    z->avail_out = (uInt)room;
    while (status == Z_OK && z->avail_out > 0)
        status = inflate(z, Z_NO_FLUSH);
    *ended = status == Z_STREAM_END;
    return room - z->avail_out;
}

static bool read_header(const uint8_t header[HEADER_SIZE], struct layout *l, size_t *length,
                        struct complaint *why)
{
    uint32_t digits = get_u32(header + 12);
    uint64_t lowest = get_u64(header + 16), highest = get_u64(header + 24);
    *length = get_u32(header + 4);
    if (get_u32(header) != (COOKIE_PLAIN | V2_WORDS))
        return complain(why, "the histogram is not in HdrHistogram's V2 encoding inside (%08x)",
                        (unsigned)get_u32(header));
    /* Neither the offset (header + 8) nor the ratio matters: counts are written in the order of
     * their values, and the ratio is for histograms of fractions, which have another cookie. Some
     * writers have something else than 0 and 1.0 there. */
    if (!make_layout(l, digits, lowest, highest))
        return complain(why,
                        "the histogram's header makes no sense: %u digits, values from %llu to "
                        "%llu",
                        (unsigned)digits, (unsigned long long)lowest, (unsigned long long)highest);
    return *length <= WORD_MAX * l->slots ||
           complain(why, "the histogram claims to be longer than its range and digits allow");
}

static bool add_stream(struct hist *into, z_stream *z, struct complaint *why)
{
    uint8_t header[HEADER_SIZE];
    struct layout layout = {0};
    size_t length;
    bool ended;
    if (unpack(z, header, sizeof header, &ended) < sizeof header)
        return complain(why, "the histogram's zlib data is damaged or cut short");
    if (!read_header(header, &layout, &length, why))
        return false;
    uint8_t *counts = malloc(length + 1); /* one more, to see that there is not */
    if (!counts)
        return complain(why, "out of memory");
    size_t have = unpack(z, counts, length + 1, &ended);
    bool good = have == length && ended;
    if (good)
        good = add_counts(into, &layout, counts, counts + length, why);
    else if (have > length)
        complain(why, "the histogram is longer than its header says");
    else
        complain(why, "the histogram's zlib data is damaged or cut short");
    free(counts);
    return good;
}

static bool check_cookie(uint32_t cookie, struct complaint *why)
{
    switch (cookie & ~WORD_SIZE) {
    case COOKIE_PACKED:
        return true;
    case UINT32_C(0x1c849302):
    case UINT32_C(0x1c849309):
        return complain(why, "the histogram is in HdrHistogram's encoding V%d, and only V2 is read",
                        (cookie & 0xf) == 2 ? 1 : 0);
    default:
        return complain(why, "the histogram does not begin as one of HdrHistogram's (%08x)",
                        (unsigned)cookie);
    }
}

static bool add_packed(struct hist *into, const uint8_t *data, size_t n, struct complaint *why)
{
    z_stream z = {0};
    if (n < WRAPPER_SIZE)
        return complain(why, "the histogram is cut short");
    if (!check_cookie(get_u32(data), why))
        return false;
    size_t length = get_u32(data + 4);
    if (length > n - WRAPPER_SIZE)
        return complain(why, "the histogram is cut short: %zu bytes of %zu", n - WRAPPER_SIZE,
                        length);
    if (inflateInit(&z) != Z_OK)
        return complain(why, "out of memory");
    z.next_in = (uint8_t *)data + WRAPPER_SIZE;
    z.avail_in = (uInt)length;
    bool good = add_stream(into, &z, why);
    inflateEnd(&z);
    return good;
}

bool hdr_decode(const char *text, size_t length, struct hist *into, struct complaint *why)
{
    size_t n;
    uint8_t *data = malloc(base64_bytes_at_most(length) + 1);
    if (!data)
        return complain(why, "out of memory");
    bool good = base64_decode(text, length, data, &n)
                    ? add_packed(into, data, n, why)
                    : complain(why, "the histogram is not base64");
    free(data);
    return good;
}
