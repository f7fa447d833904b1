/*
 * accept: the weights of a list, the codings and the types that are chosen by them.
 */
#include "common/accept.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

enum {
    IDENTITY = CODING_IDENTITY,
    BR = CODING_BR,
    ZSTD = CODING_ZSTD,
    GZIP = CODING_GZIP,
    ALL = BR | ZSTD | GZIP,
};

/* clang-format off */
static const struct {
    const char *value; /* NULL: absent */
    unsigned available;
    int chosen;
} codings[] = {
    {NULL, ALL, IDENTITY},
    {"", ALL, IDENTITY},
    {" ", ALL, IDENTITY},
    {",,", ALL, IDENTITY},
    {"gzip", ALL, GZIP},
    {"gzip", 0, IDENTITY},
    {"gzip", BR | ZSTD, IDENTITY},
    {"br", ALL, BR},
    {"zstd", ALL, ZSTD},
    {"GZip", ALL, GZIP},
    {"x-gzip", ALL, GZIP},
    {"X-GZIP", ALL, GZIP},
    {"identity", ALL, IDENTITY},
    {"deflate, compress, x-br", ALL, IDENTITY},

    /* what browsers send */
    {"gzip, deflate, br, zstd", ALL, BR},
    {"gzip, deflate, br, zstd", ZSTD | GZIP, ZSTD},
    {"gzip, deflate, br, zstd", GZIP, GZIP},
    {"gzip, deflate, br, zstd", 0, IDENTITY},
    {"gzip,deflate", ALL, GZIP},

    /* weights */
    {"br;q=0.5, gzip", ALL, GZIP},
    {"br;q=0.5, gzip;q=0.8, zstd;q=0.8", ALL, ZSTD},
    {"br;q=0.001, gzip;q=0.002", ALL, GZIP},
    {"gzip;q=0.001", ALL, GZIP},
    {"gzip;q=1.000, br;q=0.999", ALL, GZIP},
    {"gzip;q=1., br;q=0.", ALL, GZIP},
    {"gzip;Q=0.5, br;q=0.4", ALL, GZIP},
    {"gzip ; q=0.5 , br\t;\tq=0.4", ALL, GZIP},
    {"br;q=0, gzip", ALL, GZIP},
    {"br;q=0.000", ALL, IDENTITY},
    {"gzip;q=0", ALL, IDENTITY},
    {"gzip;q=0, x-gzip", ALL, IDENTITY},   /* the first counts, under either name */
    {"gzip, gzip;q=0", ALL, GZIP},

    /* identity: only when it is wanted more */
    {"gzip, identity", ALL, GZIP},
    {"gzip;q=0.5, identity;q=0.5", ALL, GZIP},
    {"gzip;q=0.5, identity;q=0.6", ALL, IDENTITY},
    {"gzip;q=0.5, identity", ALL, IDENTITY},
    {"identity;q=0.1, gzip;q=0.001", ALL, IDENTITY},
    {"identity;q=0", ALL, IDENTITY}, /* there is nothing else that it takes */
    {"identity;q=0, gzip;q=0", ALL, IDENTITY},
    {"identity;q=0, gzip;q=0.1", ALL, GZIP},
    {"identity;q=0, br", GZIP, IDENTITY},

    /* the asterisk: whatever is not named */
    {"*", ALL, BR},
    {"*", GZIP, GZIP},
    {"*", 0, IDENTITY},
    {"*;q=0", ALL, IDENTITY},
    {"*;q=0, gzip", ALL, GZIP},
    {"gzip, *;q=0", ALL, GZIP},
    {"br;q=0, *", ALL, ZSTD},
    {"*, br;q=0", ALL, ZSTD},
    {"gzip;q=0.3, *;q=0.5", ALL, BR},
    {"gzip;q=0.3, *;q=0.5", GZIP, IDENTITY}, /* the asterisk names it, too */
    {"gzip;q=0.5, *;q=0.3", GZIP, GZIP},
    {"identity;q=0.5, *;q=0", ALL, IDENTITY},
    {"x-gzip;q=0, *", GZIP, IDENTITY},

    /* what is malformed is skipped */
    {"gzip;q=2, br;q=0.1", ALL, BR},
    {"gzip;q=1.001, br;q=0.1", ALL, BR},
    {"gzip;q=1.1, br;q=0.1", ALL, BR},
    {"gzip;q=0.1234, br;q=0.1", ALL, BR},
    {"gzip;q=.5, br;q=0.1", ALL, BR},
    {"gzip;q=-1, br;q=0.1", ALL, BR},
    {"gzip;q=, br;q=0.1", ALL, BR},
    {"gzip;q, br;q=0.1", ALL, BR},
    {"gzip;q =1, br;q=0.1", ALL, BR},
    {"gzip;q= 1, br;q=0.1", ALL, BR},
    {"gzip;q=1x, br;q=0.1", ALL, BR},
    {"gzip;q=0,5, br;q=0.1", ALL, BR},
    {"gzip;q=1;q=1, br;q=0.1", ALL, BR},
    {"gzip;q=\"1\", br;q=0.1", ALL, BR},
    {"gzip deflate, br;q=0.1", ALL, BR},
    {"gzip;level=9, br;q=0.1", ALL, BR},
    {";q=1, br;q=0.1", ALL, BR},
    {"gzip@, br;q=0.1", ALL, BR},
    {"\"gzip\", br;q=0.1", ALL, BR},
    {"gzip;q=1\x01, br;q=0.1", ALL, BR},
    {"gzip;;q=0.5;, br;q=0.1", ALL, GZIP}, /* empty parameters are of the grammar */
    {"br;q=0.1, gzip;x=\"", ALL, BR},
    {"br;q=0.1, \"gzip", ALL, BR},
    {"gzip\"", ALL, IDENTITY},
    {"gzip\xff", ALL, IDENTITY},
    {"gzip/x", ALL, IDENTITY},
    {"gzi", ALL, IDENTITY},
    {"gzipp", ALL, IDENTITY},
};

#define CHROME "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

static const struct {
    const char *value; /* NULL: absent */
    bool html;
} types[] = {
    {NULL, false},
    {"", false},
    {"*/*", false},
    {"*", false},
    {"application/json", false},
    {"application/problem+json", false},
    {"image/png", false},
    {CHROME, true},
    {"text/html", true},
    {"Text/HTML", true},
    {"text/*", true},
    {"text/*, */*", false},
    {"text/*, */*;q=0.9", true},
    {"text/html;q=0.1", true},
    {"text/html;q=0", false},
    {"text/html, application/json", false}, /* no more wanted than JSON */
    {"text/html, application/json;q=0.9", true},
    {"text/html, application/problem+json", false},
    {"text/html;q=0.9, application/problem+json;q=0.1, application/json", false},
    {"text/html, application/*", false},
    {"application/*;q=0.5, text/html;q=0.6", true},
    {"image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", false},
    {"text/plain, */*", false},
    {"text/plain", false},
    {"text/htm", false},
    {"text/html2", false},
    {"*/html", false},
    {"text/", false},
    {"texts/*", false},
    {"/", false},

    /* the closest range counts, wherever it stands */
    {"text/html;q=0.2, text/*;q=0.9, */*;q=0.5", false},
    {"*/*;q=0.5, text/*;q=0.9, text/html;q=0.2", false},
    {"text/*;q=0.2, */*;q=0.5", false},
    {"text/*;q=0.6, */*;q=0.5", true},
    {"*/*, application/json;q=0.1, application/problem+json;q=0.1", true},
    {"*/*, application/*;q=0.1", true},
    {"*/*;q=0.3, text/html;q=0.2, text/html;q=0.9", false},

    /* with parameters */
    {"text/html;level=1", true},
    {"text/html;level=1, */*;q=0.5", true},
    {"text/html;level=1, text/html;q=0.2, */*;q=0.5", false},
    {"text/html;charset=utf-8, application/json;q=0.5", true},
    {"application/json;charset=utf-8, text/html;q=0.5", false},
    {"text/html;q=0.4;ext=1, */*;q=0.3", true}, /* behind the weight: not of the range */
    {"text/html;title=\"a, b; q=0\", */*;q=0.1", true},
    {"text/html;title=\"a\\\", b\";q=0.5, */*;q=0.1", true},
    {"text/html;title=\"a\";q=0, */*;q=0.1", false},
    {"text/html;title=\"a\"b, */*;q=0.1", false},
    {"text/html;ext;q=0.5", true},
    {"text/html;title=", false},
    {"text/html;=x", false},
    {"text/html q=1", false},
    {"text /html", false},
    {"text/ html", false},

    /* a client of old that begins its weights with a point (java.net) */
    {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", true},
};
/* clang-format on */

/* A copy without a NUL, of exactly the length: a byte read too far is seen by ASan. */
static char *copy_of(const char *value)
{
    size_t length = value ? strlen(value) : 0;
    char *copy = malloc(length > 0 ? length : 1);

    ck_assert_ptr_nonnull(copy);
    if (value)
        memcpy(copy, value, length);
    return copy;
}

START_TEST(chooses_a_coding)
{
    const char *value = codings[_i].value;
    char *copy = copy_of(value);
    int chosen = value ? (int)accept_encoding(copy, strlen(value), codings[_i].available)
                       : (int)accept_encoding(NULL, 0, codings[_i].available);

    ck_assert_msg(chosen == codings[_i].chosen, "%s: %d", value, chosen);
    free(copy);
}
END_TEST

START_TEST(chooses_a_type)
{
    const char *value = types[_i].value;
    char *copy = copy_of(value);
    bool html = value ? accept_prefers_html(copy, strlen(value)) : accept_prefers_html(NULL, 0);

    ck_assert_msg(html == types[_i].html, "%s: %s", value, html ? "html" : "json");
    free(copy);
}
END_TEST

/* --- whatever is sent --- */

static unsigned below(unsigned short seed[3], unsigned limit)
{
    return (unsigned)nrand48(seed) % limit;
}

static size_t write_random(unsigned short seed[3], char *value)
{
    static const char *const pieces[] = {
        "gzip",
        "x-gzip",
        "br",
        "zstd",
        "*",
        "identity",
        "text/html",
        "text/*",
        "*/*",
        "text/",
        "application/json",
        ",",
        ", ",
        ",",
        ";q=0",
        ";q=1",
        ";q=0.5",
        ";q=0.123",
        ";q=0.1234",
        ";",
        "q=",
        "\"",
        "\\",
        " ",
        "\t",
        "\x80",
        "a=\"b,c\"",
    };
    unsigned count = below(seed, 12);
    size_t length = 0;

    *value = '\0';
    while (count-- > 0)
        length += (size_t)sprintf(value + length, "%s", pieces[below(seed, COUNT(pieces))]);
    return length;
}

START_TEST(chooses_what_there_is)
{
    unsigned short seed[3] = {1, 2, 3};
    int wrong = 0, seen[GZIP + 1] = {0}, html = 0;

    for (int i = 0; i < 100000; i++) {
        char value[12 * 20];
        size_t length = write_random(seed, value);
        unsigned available = below(seed, ALL + 1);
        unsigned chosen = accept_encoding(value, length, available);

        if (chosen != IDENTITY && (chosen & available) != chosen)
            wrong++;
        else
            seen[chosen]++;
        html += accept_prefers_html(value, length);
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(seen[IDENTITY], 1000);
    ck_assert_int_gt(seen[BR], 1000);
    ck_assert_int_gt(seen[ZSTD], 1000);
    ck_assert_int_gt(seen[GZIP], 1000);
    ck_assert_int_eq(seen[BR | ZSTD], 0);
    ck_assert_int_gt(html, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept");
    TCase *tcase = tcase_create("accept");

    tcase_add_loop_test(tcase, chooses_a_coding, 0, COUNT(codings));
    tcase_add_loop_test(tcase, chooses_a_type, 0, COUNT(types));
    tcase_add_test(tcase, chooses_what_there_is);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
