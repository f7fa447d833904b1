/*
 * range: what the field asks for, and above all that no field gets more than there is.
 */
#include "common/range.h"

#include "unit.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define HUGE_NUMBER "99999999999999999999999999" /* beyond 64 bits */
#define LAST_NUMBER "18446744073709551615"       /* the last within */

/* Written as "first+length first+length", so that a row fits a line. */
static void write_ranges(const struct ranges *r, char *text)
{
    *text = '\0';
    for (unsigned i = 0; i < r->count; i++)
        text +=
            sprintf(text, "%s%llu+%llu", i > 0 ? " " : "", (unsigned long long)r->range[i].first,
                    (unsigned long long)r->range[i].length);
}

/* clang-format off */
static const struct {
    const char *value;
    uint64_t size;
    enum range_verdict verdict;
    const char *ranges; /* NULL: none */
} cases[] = {
    /* one */
    {"bytes=0-99", 1234, RANGE_SOME, "0+100"},
    {"bytes=0-0", 1234, RANGE_SOME, "0+1"},
    {"bytes=0-0", 1, RANGE_SOME, "0+1"},
    {"bytes=0-", 1234, RANGE_SOME, "0+1234"},
    {"bytes=0-1233", 1234, RANGE_SOME, "0+1234"},
    {"bytes=1233-", 1234, RANGE_SOME, "1233+1"},
    {"bytes=1233-1233", 1234, RANGE_SOME, "1233+1"},
    {"bytes=1000-1234", 1234, RANGE_SOME, "1000+234"},
    {"bytes=1000-" HUGE_NUMBER, 1234, RANGE_SOME, "1000+234"},
    {"bytes=1000-" LAST_NUMBER, 1234, RANGE_SOME, "1000+234"},
    {"bytes=000-009", 1234, RANGE_SOME, "0+10"},
    {"bytes=-1", 1234, RANGE_SOME, "1233+1"},
    {"bytes=-1233", 1234, RANGE_SOME, "1+1233"},
    {"bytes=-1234", 1234, RANGE_SOME, "0+1234"},
    {"bytes=-1235", 1234, RANGE_SOME, "0+1234"},
    {"bytes=-" HUGE_NUMBER, 1234, RANGE_SOME, "0+1234"},
    {"BYTES=0-1", 1234, RANGE_SOME, "0+2"},
    {"Bytes=0-1", 1234, RANGE_SOME, "0+2"},
    {"bytes=0-", UINT64_MAX, RANGE_SOME, "0+" LAST_NUMBER},
    {"bytes=18446744073709551614-", UINT64_MAX, RANGE_SOME, "18446744073709551614+1"},
    {"bytes=0-" LAST_NUMBER, UINT64_MAX, RANGE_SOME, "0+" LAST_NUMBER},

    /* white space and empty elements */
    {"bytes= 0-1 ", 1234, RANGE_SOME, "0+2"},
    {"bytes=,,0-1,\t,", 1234, RANGE_SOME, "0+2"},
    {"bytes=0-1 \t,\t 500-501", 1234, RANGE_SOME, "0+2 500+2"},
    {"bytes= 0-999, 4500-5499, -1000", 10000, RANGE_SOME, "0+1000 4500+1000 9000+1000"},

    /* several: the order stays; what does not begin within is left out */
    {"bytes=0-0,-1", 1234, RANGE_SOME, "0+1 1233+1"},
    {"bytes=-1,0-0", 1234, RANGE_SOME, "1233+1 0+1"},
    {"bytes=900-909,0-9,500-509", 1234, RANGE_SOME, "900+10 0+10 500+10"},
    {"bytes=0-9,5000-", 1234, RANGE_SOME, "0+10"},
    {"bytes=5000-,-0,7-9", 1234, RANGE_SOME, "7+3"},

    /* what overlaps, adjoins or nearly does is one, at the earliest place */
    {"bytes=500-600,601-999", 1234, RANGE_SOME, "500+500"},
    {"bytes=500-700,601-999", 1234, RANGE_SOME, "500+500"},
    {"bytes=601-999,500-700", 1234, RANGE_SOME, "500+500"},
    {"bytes=0-999,10-19", 1234, RANGE_SOME, "0+1000"},
    {"bytes=10-19,0-999", 1234, RANGE_SOME, "0+1000"},
    {"bytes=7-7,7-7,7-7", 1234, RANGE_SOME, "7+1"},
    {"bytes=0-9,89-99", 1234, RANGE_SOME, "0+100"},       /* 79 between: less than RANGE_GAP */
    {"bytes=0-9,90-99", 1234, RANGE_SOME, "0+10 90+10"},  /* 80 between */
    {"bytes=90-99,0-9", 1234, RANGE_SOME, "90+10 0+10"},
    {"bytes=800-809,0-9,200-209,100-109", 1234, RANGE_SOME, "800+10 0+10 200+10 100+10"},
    {"bytes=0-9,300-309,150-159,80-230", 1234, RANGE_SOME, "0+310"}, /* the last joins the others */
    {"bytes=900-909,0-9,300-309,80-89,150-290", 1234, RANGE_SOME, "900+10 0+310"},

    /* several that add up to the whole; a single one is asked for on purpose */
    {"bytes=0-,0-", 1234, RANGE_NONE, NULL},
    {"bytes=0-599,600-", 1234, RANGE_NONE, NULL},
    {"bytes=600-,0-599", 1234, RANGE_NONE, NULL},
    {"bytes=0-599,650-", 1234, RANGE_NONE, NULL},
    {"bytes=0-,9999-", 1234, RANGE_NONE, NULL},
    {"bytes=1-599,600-", 1234, RANGE_SOME, "1+1233"},

    /* nothing that could be satisfied */
    {"bytes=1234-", 1234, RANGE_UNSATISFIABLE, NULL},
    {"bytes=1234-1234", 1234, RANGE_UNSATISFIABLE, NULL},
    {"bytes=-0", 1234, RANGE_UNSATISFIABLE, NULL},
    {"bytes=-000", 1234, RANGE_UNSATISFIABLE, NULL},
    {"bytes=" HUGE_NUMBER "-", 1234, RANGE_UNSATISFIABLE, NULL},
    {"bytes=" HUGE_NUMBER "-" HUGE_NUMBER, UINT64_MAX, RANGE_UNSATISFIABLE, NULL},
    {"bytes=" LAST_NUMBER "-", UINT64_MAX, RANGE_UNSATISFIABLE, NULL},
    {"bytes=18446744073709551616-5", 1234, RANGE_NONE, NULL}, /* 2^64 does not wrap to 0 */
    {"bytes=5000-,-0,6000-6001", 1234, RANGE_UNSATISFIABLE, NULL},

    /* an empty representation */
    {"bytes=0-", 0, RANGE_UNSATISFIABLE, NULL},
    {"bytes=0-0", 0, RANGE_UNSATISFIABLE, NULL},
    {"bytes=-0", 0, RANGE_UNSATISFIABLE, NULL},
    {"bytes=-5", 0, RANGE_NONE, NULL}, /* satisfiable, and impossible to write down */
    {"bytes=0-,-5", 0, RANGE_NONE, NULL},

    /* other units, other grammars */
    {"", 1234, RANGE_NONE, NULL},
    {"bytes", 1234, RANGE_NONE, NULL},
    {"bytes=", 1234, RANGE_NONE, NULL},
    {"bytes=,", 1234, RANGE_NONE, NULL},
    {"bytes= \t", 1234, RANGE_NONE, NULL},
    {"bytes=-", 1234, RANGE_NONE, NULL},
    {"bytes=--1", 1234, RANGE_NONE, NULL},
    {"bytes=-1-", 1234, RANGE_NONE, NULL},
    {"bytes=-1-2", 1234, RANGE_NONE, NULL},
    {"bytes=1", 1234, RANGE_NONE, NULL},
    {"bytes=1-2-3", 1234, RANGE_NONE, NULL},
    {"bytes=1--2", 1234, RANGE_NONE, NULL},
    {"bytes=2-1", 1234, RANGE_NONE, NULL},
    {"bytes=5000-4000", 1234, RANGE_NONE, NULL},
    {"bytes=1 -2", 1234, RANGE_NONE, NULL},
    {"bytes=1- 2", 1234, RANGE_NONE, NULL},
    {"bytes=- 2", 1234, RANGE_NONE, NULL},
    {"bytes =1-2", 1234, RANGE_NONE, NULL},
    {" bytes=1-2", 1234, RANGE_NONE, NULL},
    {"bytes:1-2", 1234, RANGE_NONE, NULL},
    {"bytes=+1-2", 1234, RANGE_NONE, NULL},
    {"bytes=0x1-2", 1234, RANGE_NONE, NULL},
    {"bytes=1-2;3-4", 1234, RANGE_NONE, NULL},
    {"bytes=1-2,x", 1234, RANGE_NONE, NULL},
    {"bytes=x,1-2", 1234, RANGE_NONE, NULL},
    {"bytes=1-2,200-100", 1234, RANGE_NONE, NULL},
    {"bytes=1-2,*", 1234, RANGE_NONE, NULL},
    {"byte=1-2", 1234, RANGE_NONE, NULL},
    {"bytess=1-2", 1234, RANGE_NONE, NULL},
    {"items=1-2", 1234, RANGE_NONE, NULL},
    {"none", 1234, RANGE_NONE, NULL},
};
/* clang-format on */

/* A copy without a NUL, of exactly the length: a byte read too far is seen by ASan. */
static enum range_verdict parse(const char *value, uint64_t size, struct ranges *out)
{
    size_t length = strlen(value);
    char *copy = malloc(length > 0 ? length : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, value, length);
    enum range_verdict verdict = range_parse(copy, length, size, out);
    free(copy);
    return verdict;
}

START_TEST(reads_the_field)
{
    struct ranges r;
    char text[RANGE_MAX * 48];

    ck_assert_msg(parse(cases[_i].value, cases[_i].size, &r) == cases[_i].verdict, "%s of %llu",
                  cases[_i].value, (unsigned long long)cases[_i].size);
    write_ranges(&r, text);
    ck_assert_str_eq(text, cases[_i].ranges ? cases[_i].ranges : "");
}
END_TEST

/* "bytes=0-0,100-100,…" with this many ranges, none of which is near another. */
static void write_many(char *value, int specs)
{
    value += sprintf(value, "bytes=");
    for (int i = 0; i < specs; i++)
        value += sprintf(value, "%d-%d,", 100 * i, 100 * i);
}

START_TEST(too_many_are_none)
{
    struct ranges r;
    char value[64 * RANGE_MAX];

    write_many(value, RANGE_MAX);
    ck_assert_int_eq(parse(value, 100000, &r), RANGE_SOME);
    ck_assert_uint_eq(r.count, RANGE_MAX);
    write_many(value, RANGE_MAX + 1);
    ck_assert_int_eq(parse(value, 100000, &r), RANGE_NONE);
    ck_assert_uint_eq(r.count, 0);
    /* Those that cannot be satisfied, or would coalesce, count, too. */
    ck_assert_int_eq(parse(value, 50, &r), RANGE_NONE);
}
END_TEST

/* --- whatever is asked --- */

static unsigned long below(unsigned short seed[3], unsigned long limit)
{
    return (unsigned long)nrand48(seed) % limit;
}

/* Mostly well-formed lists over a small file, so that ranges meet. */
static void write_random(unsigned short seed[3], char *value, uint64_t size)
{
    unsigned long specs = 1 + below(seed, RANGE_MAX);

    value += sprintf(value, "bytes=");
    while (specs-- > 0) {
        unsigned long first = below(seed, size + 20), last = first + below(seed, 200);

        switch (below(seed, 8)) {
        case 0:
            value += sprintf(value, "-%lu", below(seed, size / 4 + 1));
            break;
        case 1:
            value += sprintf(value, "%lu-", first);
            break;
        default:
            value += sprintf(value, "%lu-%lu", first, last);
            break;
        }
        value += sprintf(value, "%s", specs > 0 ? ", " : "");
    }
}

/* How often one of the promises is broken: within the size, and a gap between any two. */
static int count_faults(const struct ranges *r, uint64_t size)
{
    int faults = r->count > RANGE_MAX;
    uint64_t sum = 0;

    for (unsigned i = 0; i < r->count; i++) {
        const struct range *a = &r->range[i];

        sum += a->length;
        faults += a->length == 0 || a->first >= size || a->length > size - a->first;
        for (unsigned j = 0; j < i; j++) {
            const struct range *b = &r->range[j];
            bool apart = a->first >= b->first + b->length + RANGE_GAP ||
                         b->first >= a->first + a->length + RANGE_GAP;

            faults += !apart;
        }
    }
    return faults + (sum > size);
}

START_TEST(keeps_its_promises)
{
    unsigned short seed[3] = {2, 3, 5};
    int faults = 0, seen[3] = {0}, several = 0;

    for (int i = 0; i < 50000; i++) {
        struct ranges r;
        char value[64 * RANGE_MAX];
        uint64_t size = 1 + below(seed, 5000);

        write_random(seed, value, size);
        enum range_verdict verdict = range_parse(value, strlen(value), size, &r);
        seen[verdict]++;
        several += r.count > 1;
        faults += count_faults(&r, size) + ((r.count > 0) != (verdict == RANGE_SOME));
    }
    ck_assert_int_eq(faults, 0);
    ck_assert_int_gt(seen[RANGE_NONE], 100);
    ck_assert_int_gt(seen[RANGE_SOME], 1000);
    ck_assert_int_gt(seen[RANGE_UNSATISFIABLE], 50);
    ck_assert_int_gt(several, 1000);
}
END_TEST

/* Each byte that was asked for is sent, and what is sent beyond lies in a small gap. */
START_TEST(sends_what_was_asked)
{
    enum { SIZE = 3000 };
    unsigned short seed[3] = {7, 11, 13};
    int missing = 0, checked = 0;

    for (int i = 0; i < 2000; i++) {
        struct ranges r;
        char value[64 * 4], sent[SIZE] = {0};
        unsigned long first[3];
        int length = sprintf(value, "bytes=");

        for (int k = 0; k < 3; k++) {
            first[k] = below(seed, SIZE - 100);
            length += sprintf(value + length, "%lu-%lu,", first[k], first[k] + 99);
        }
        if (range_parse(value, (size_t)length, SIZE, &r) != RANGE_SOME)
            continue;
        for (unsigned k = 0; k < r.count; k++)
            memset(sent + r.range[k].first, 1, r.range[k].length);
        for (int k = 0; k < 3; k++)
            missing += memchr(sent + first[k], 0, 100) != NULL;
        checked++;
    }
    ck_assert_int_gt(checked, 1900);
    ck_assert_int_eq(missing, 0);
}
END_TEST

static const struct {
    uint64_t first, length, size;
    const char *content;
} contents[] = {
    {0, 100, 1234, "bytes 0-99/1234"},
    {1233, 1, 1234, "bytes 1233-1233/1234"},
    {0, 0, 1234, "bytes */1234"},
    {0, 0, 0, "bytes */0"},
    {UINT64_MAX - 1, 1, UINT64_MAX,
     "bytes 18446744073709551614-18446744073709551614/18446744073709551615"},
};

START_TEST(writes_content_range)
{
    struct range range = {contents[_i].first, contents[_i].length};
    char *out = malloc(RANGE_CONTENT_SIZE);

    ck_assert_ptr_nonnull(out);
    size_t length = range_content(out, range.length > 0 ? &range : NULL, contents[_i].size);
    ck_assert_str_eq(out, contents[_i].content);
    ck_assert_uint_eq(length, strlen(out));
    free(out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("range");
    TCase *tcase = tcase_create("range");

    tcase_add_loop_test(tcase, reads_the_field, 0, COUNT(cases));
    tcase_add_test(tcase, too_many_are_none);
    tcase_add_test(tcase, keeps_its_promises);
    tcase_add_test(tcase, sends_what_was_asked);
    tcase_add_loop_test(tcase, writes_content_range, 0, COUNT(contents));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
