/*
 * HdrHistogram's V2 encoding: slots that agree one by one, known bytes, and hostile ones.
 */
#include "loadtest/hlog/hdrcode.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "loadtest/hlog/base64.h"
#include "loadtest/target/rng.h"
#include "unit.h"

enum { HEADER = 40, PLAIN_MAX = 512 };

static struct hist *fresh(void)
{
    struct hist *h = calloc(1, sizeof *h);
    ck_assert_ptr_nonnull(h);
    return h;
}

/* Where HdrHistogram has a value: written down from its definition (2,048 sub-buckets, of which
 * each bucket but the first uses the upper half), not from ours. */
static unsigned index_of(int64_t value)
{
    int bucket = 0;
    while (value >> bucket >= 2048)
        bucket++;
    int sub_bucket = (int)(value >> bucket);
    return (unsigned)((bucket + 1) * 1024 + (sub_bucket - 1024));
}

START_TEST(slots_are_those_of_hdrhistogram)
{
    unsigned last = hist_slot_of(HIST_MAX_US);
    for (unsigned slot = 0; slot <= last; slot++) {
        int64_t low = hist_slot_lowest_us(slot), high = hist_slot_highest_us(slot);
        ck_assert_uint_eq(index_of(low), slot);
        ck_assert_uint_eq(index_of(high), slot);
        ck_assert_uint_eq(index_of(high + 1), slot + 1);
        ck_assert_uint_eq(hist_slot_of(low), slot);
    }
    int buckets = 1;
    for (int64_t reach = 2048; reach <= HIST_MAX_US; reach *= 2)
        buckets++;
    ck_assert_int_eq((buckets + 1) * 1024, HIST_SLOTS);
}
END_TEST

/* Undoes base64 and zlib; the length of what was in it. */
static size_t plain_of(const char *text, uint8_t plain[PLAIN_MAX])
{
    uint8_t packed[PLAIN_MAX];
    uLongf length = PLAIN_MAX;
    size_t n;
    ck_assert(base64_decode(text, strlen(text), packed, &n));
    ck_assert_mem_eq(packed, "\x1c\x84\x93\x14\0\0\0", 7);
    ck_assert_uint_eq(packed[7], n - 8);
    ck_assert_int_eq(uncompress(plain, &length, packed + 8, n - 8), Z_OK);
    return length;
}

START_TEST(known_bytes)
{
    static const uint8_t expected[] = {
        0x1c, 0x84, 0x93, 0x13,                      /* V2 */
        0,    0,    0,    12,                        /* bytes of counts */
        0,    0,    0,    0,                         /* offset */
        0,    0,    0,    3,                         /* digits */
        0,    0,    0,    0,    0,    0,    0,    1, /* lowest */
        0,    0,    0,    0,    0xd6, 0x93, 0xa4, 0, /* highest: 3,600,000,000 */
        0x3f, 0xf0, 0,    0,    0,    0,    0,    0, /* 1.0 */
        0,                                           /* slot 0: empty, alone */
        4,                                           /* slot 1: twice */
        3,                                           /* two empty ones */
        2,                                           /* slot 4: once */
        0xcb, 0x04,                                  /* 294 empty ones: zigzag 587 */
        0xd0, 0x0f,                                  /* slot 299: 1,000 times */
        0xab, 0x1d,                                  /* 1,878 empty ones: zigzag 3755 */
        2,    2}; /* slots 2178 (2,308 and 2,309) and 2179: once each */
    struct hist *h = fresh();
    uint8_t plain[PLAIN_MAX];
    hist_add_us(h, 1);
    hist_add_us(h, 1);
    hist_add_us(h, 4);
    ck_assert(hist_add_range(h, 299, 299, 1000));
    hist_add_us(h, 2308);
    hist_add_us(h, 2311);
    char *text = hdr_encode(h);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(plain_of(text, plain), sizeof expected);
    ck_assert_mem_eq(plain, expected, sizeof expected);
    free(text);
    free(h);
}
END_TEST

START_TEST(an_empty_one)
{
    struct hist *h = fresh(), *back = fresh();
    struct complaint why;
    char *text = hdr_encode(h);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(hdr_decode(text, strlen(text), back, &why), "%s", why.text);
    ck_assert_uint_eq(back->total, 0);
    free(text);
    free(h);
    free(back);
}
END_TEST

static void check_comes_back(const struct hist *h)
{
    struct hist *back = fresh();
    struct complaint why;
    char *text = hdr_encode(h);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(hdr_decode(text, strlen(text), back, &why), "%s", why.text);
    ck_assert_uint_eq(back->total, h->total);
    ck_assert_mem_eq(back->count, h->count, sizeof h->count);
    for (int percent = 0; percent < 100; percent++)
        ck_assert_int_eq(hist_quantile_us(back, percent / 100.0),
                         hist_quantile_us(h, percent / 100.0));
    ck_assert_int_ge(back->max_us, h->max_us);
    ck_assert_int_le(back->max_us - h->max_us, h->max_us / 1000);
    free(text);
    free(back);
}

START_TEST(what_was_written_is_read)
{
    struct hist *h = fresh();
    for (unsigned slot = 0; slot <= hist_slot_of(HIST_MAX_US); slot += 1 + slot % 7)
        ck_assert(hist_add_range(h, hist_slot_lowest_us(slot), hist_slot_highest_us(slot),
                                 slot % 5 ? slot : UINT64_C(1) << slot % 16));
    check_comes_back(h);
    hist_clear(h);
    hist_add_us(h, HIST_MAX_US);
    hist_add_us(h, 0);
    check_comes_back(h);
    hist_clear(h);
    ck_assert(hist_add_range(h, 0, 0, INT64_MAX)); /* a word of nine bytes */
    check_comes_back(h);
    free(h);
}
END_TEST

START_TEST(reading_adds)
{
    struct hist *h = fresh(), *sum = fresh();
    struct complaint why;
    hist_add_us(h, 1000);
    hist_add_us(h, 5000); /* a slot four wide, from 5,000: its middle is 5,002 */
    char *text = hdr_encode(h);
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < 3; i++)
        ck_assert(hdr_decode(text, strlen(text), sum, &why));
    ck_assert_uint_eq(sum->total, 6);
    ck_assert_uint_eq(sum->sum_us, 3 * (1000 + 5002));
    ck_assert_int_eq(sum->max_us, 5003);
    free(text);
    free(h);
    free(sum);
}
END_TEST

/* ── What others may send ──────────────────────────────────────────────────────────────────────*/

static void put(uint8_t *to, uint64_t n, size_t bytes)
{
    while (bytes-- > 0) {
        to[bytes] = (uint8_t)n;
        n >>= 8;
    }
}

/* A header and counts; the length. */
static size_t make_plain(uint8_t plain[PLAIN_MAX], uint32_t digits, uint64_t lowest,
                         uint64_t highest, const char *counts, size_t n)
{
    put(plain, 0x1c849313, 4);
    put(plain + 4, n, 4);
    put(plain + 8, 0, 4);
    put(plain + 12, digits, 4);
    put(plain + 16, lowest, 8);
    put(plain + 24, highest, 8);
    put(plain + 32, 0, 8);
    memcpy(plain + HEADER, counts, n);
    return HEADER + n;
}

static const char *pack(const uint8_t *plain, size_t n)
{
    static char text[2 * PLAIN_MAX];
    uint8_t packed[PLAIN_MAX + 64];
    uLongf length = sizeof packed - 8;
    ck_assert_int_eq(compress(packed + 8, &length, plain, n), Z_OK);
    put(packed, 0x1c849314, 4);
    put(packed + 4, length, 4);
    base64_encode(packed, 8 + length, text);
    return text;
}

static void check_refused(const char *text, const char *reason)
{
    struct hist *h = fresh();
    struct complaint why;
    ck_assert_msg(!hdr_decode(text, strlen(text), h, &why), "not refused: %s", reason);
    ck_assert_msg(strstr(why.text, reason) != NULL, "\"%s\" instead of \"%s\"", why.text, reason);
    free(h);
}

START_TEST(headers_that_make_no_sense)
{
    static const struct {
        uint32_t digits;
        uint64_t lowest, highest;
    } bad[] = {{6, 1, 1000},
               {UINT32_MAX, 1, 1000},
               {3, 0, 1000},
               {3, 1, 1},
               {3, 1, UINT64_MAX},
               {3, UINT64_MAX, UINT64_MAX},
               {3, 600, 1000},
               {5, INT64_C(1) << 61, INT64_MAX},
               {3, 1, INT64_MAX + UINT64_C(1)}};
    uint8_t plain[PLAIN_MAX];
    size_t n = make_plain(plain, bad[_i].digits, bad[_i].lowest, bad[_i].highest, "\2", 1);
    check_refused(pack(plain, n), "makes no sense");
}
END_TEST

/* At the edges of what HdrHistogram allows; the first slot is read well. */
START_TEST(headers_that_are_odd)
{
    static const struct {
        uint32_t digits;
        uint64_t lowest, highest;
    } odd[] = {{0, 1, 2}, {5, 1, INT64_MAX}, {0, INT64_C(1) << 61, INT64_MAX}, {1, 7, 14}};
    struct hist *h = fresh();
    struct complaint why;
    uint8_t plain[PLAIN_MAX];
    size_t n = make_plain(plain, odd[_i].digits, odd[_i].lowest, odd[_i].highest, "\2", 1);
    const char *text = pack(plain, n);
    ck_assert_msg(hdr_decode(text, strlen(text), h, &why), "%s", why.text);
    ck_assert_uint_eq(h->total, 1);
    free(h);
}
END_TEST

START_TEST(counts_that_do_not_fit)
{
    static const struct {
        const char *counts;
        size_t length;
        const char *reason;
    } bad[] = {
        {"\xff", 1, "cut short"},
        {"\2\x80\x80", 3, "cut short"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 10, "more slots"}, /* 2^63 empty ones */
        {"\xfd\xff\xff\xff\xff\xff\xff\xff\xff\2", 10, "more slots"}, /* one less */
        {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\2", 10, "added up"},   /* too many of them */
        {"\xff\xef\2\2", 4, "more slots"},                            /* behind the last */
        {"\xe9\xea\2\2", 4, "more than an hour"}, /* in the slot behind that of an hour */
    };
    uint8_t plain[PLAIN_MAX];
    size_t n = make_plain(plain, 3, 1, 3600000000, bad[_i].counts, bad[_i].length);
    check_refused(pack(plain, n), bad[_i].reason);
}
END_TEST

START_TEST(wrappers_that_lie)
{
    uint8_t plain[PLAIN_MAX], packed[PLAIN_MAX];
    char text[2 * PLAIN_MAX];
    size_t n = make_plain(plain, 3, 1, 3600000000, "\2\2\2", 3), length;
    snprintf(text, sizeof text, "%s", pack(plain, n));
    ck_assert(base64_decode(text, strlen(text), packed, &length));

    put(plain + 4, 2, 4);
    check_refused(pack(plain, n), "longer than its header says");
    put(plain + 4, 4, 4);
    check_refused(pack(plain, n), "cut short");
    put(plain + 4, UINT32_MAX, 4);
    check_refused(pack(plain, n), "claims to be longer");
    put(plain, 0x1c849301, 4);
    check_refused(pack(plain, n), "not in HdrHistogram's V2");
    check_refused(pack(plain, HEADER - 1), "cut short");
    check_refused("", "cut short");
    check_refused("AAAA", "cut short");
    check_refused("HIST!AAA", "not base64");
    base64_encode(packed, length - 4, text); /* without the end of the zlib stream */
    check_refused(text, "cut short");
    packed[length - 1] ^= 1; /* its checksum */
    base64_encode(packed, length, text);
    check_refused(text, "damaged");
}
END_TEST

START_TEST(other_encodings_are_named)
{
    static const struct {
        uint32_t cookie;
        const char *reason;
    } others[] = {{0x1c849309, "V0"},
                  {0x1c849329, "V0"},
                  {0x1c849302, "V1"},
                  {0x1c849382, "V1"},
                  {0x0c72124f, "0c72124f"}};
    uint8_t packed[16] = {0};
    char text[32];
    put(packed, others[_i].cookie, 4);
    base64_encode(packed, sizeof packed, text);
    check_refused(text, others[_i].reason);
}
END_TEST

/* ── Whatever comes ────────────────────────────────────────────────────────────────────────────*/

static void mutate(struct rng *rng, char *bytes, size_t n)
{
    for (uint64_t times = 1 + rng_next(rng) % 4; times > 0; times--)
        bytes[rng_next(rng) % n] = (char)rng_next(rng);
}

/* Reads it from memory of exactly this size; when it is refused, in one line. */
static void check_survives(const char *text, size_t length)
{
    static struct hist h;
    struct complaint why = {""};
    char *copy = malloc(length + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    hist_clear(&h);
    if (!hdr_decode(copy, length, &h, &why)) {
        ck_assert_str_ne(why.text, "");
        ck_assert_ptr_null(strchr(why.text, '\n'));
    }
    free(copy);
}

START_TEST(mutated_ones)
{
    struct rng rng;
    uint8_t plain[PLAIN_MAX];
    char text[2 * PLAIN_MAX];
    static const char counts[] = "\2\3\4\xcb\4\xd0\x0f\xab\x1d\2\2\xfe\xff\xff\2\xff\x10\6";
    size_t n = make_plain(plain, 3, 1, 3600000000, counts, sizeof counts - 1);
    rng_seed(&rng, 1, 0);
    for (int i = 0; i < 4000; i++) {
        uint8_t inside[PLAIN_MAX];
        memcpy(inside, plain, n);
        mutate(&rng, (char *)inside, n);
        snprintf(text, sizeof text, "%s", pack(inside, n)); /* the inner decoder is reached */
        check_survives(text, strlen(text));
        mutate(&rng, text, strlen(text)); /* base64, wrapper or zlib */
        check_survives(text, strlen(text));
        check_survives(text, rng_next(&rng) % (strlen(text) + 1));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdrcode");
    TCase *tests = tcase_create("hdrcode");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, slots_are_those_of_hdrhistogram);
    tcase_add_test(tests, known_bytes);
    tcase_add_test(tests, an_empty_one);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, reading_adds);
    tcase_add_loop_test(tests, headers_that_make_no_sense, 0, 9);
    tcase_add_loop_test(tests, headers_that_are_odd, 0, 4);
    tcase_add_loop_test(tests, counts_that_do_not_fit, 0, 7);
    tcase_add_test(tests, wrappers_that_lie);
    tcase_add_loop_test(tests, other_encodings_are_named, 0, 5);
    tcase_add_test(tests, mutated_ones);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
