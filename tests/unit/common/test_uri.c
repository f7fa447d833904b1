/*
 * uri: what a target means, and above all what it must never come to mean.
 */
#include "common/uri.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
    const char *target;
    const char *path; /* NULL: refused */
} paths[] = {
    {"/", "/"},
    {"/one.txt", "/one.txt"},
    {"/a/b/c", "/a/b/c"},
    {"/a%20b", "/a b"},
    {"/%73ub/dee%70.txt", "/sub/deep.txt"},
    {"/%41%5a%7E", "/AZ~"},
    {"/a+b", "/a+b"},
    {"/.", "/"},
    {"/./", "/"},
    {"/a/.", "/a/"},
    {"/a/./b", "/a/b"},
    {"/a/b/..", "/a/"},
    {"/a/b/../c", "/a/c"},
    {"/a/b/../../c", "/c"},
    {"/a/..", "/"},
    {"/a/../", "/"},
    {"/.hidden", "/.hidden"},
    {"/...", "/..."},
    {"/..a/b..", "/..a/b.."},
    {"/a/%2e/b", "/a/b"},
    {"/a/%2E%2e/b", "/b"},
    {"/a/.%2e/b", "/b"},
    {"/a%2f..%2fb", "/b"},
    {"/%252e%252e/x", "/%2e%2e/x"}, /* decoded once, not twice */
    {"", NULL},
    {"a", NULL},
    {"a/b", NULL},
    {"*", NULL},
    {"/..", NULL},
    {"/../", NULL},
    {"/../etc/passwd", NULL},
    {"/a/../../b", NULL},
    {"/%2e%2e/secret.txt", NULL},
    {"/..%2fsecret.txt", NULL},
    {"/a/%2e%2e%2f%2e%2e/b", NULL},
    {"/./../x", NULL},
    {"/a%00b", NULL},
    {"/%", NULL},
    {"/%2", NULL},
    {"/%zz", NULL},
    {"/%-1", NULL},
    {"/% 1", NULL},
};

START_TEST(makes_a_path)
{
    size_t n = strlen(paths[_i].target);
    char *out = malloc(n + 2); /* exactly the room it is promised: a byte more is seen by ASan */
    bool good;

    ck_assert_ptr_nonnull(out);
    good = uri_path(paths[_i].target, n, out);
    ck_assert_msg(good == (paths[_i].path != NULL), "%s: %s", paths[_i].target,
                  good ? out : "refused");
    if (good)
        ck_assert_str_eq(out, paths[_i].path);
    free(out);
}
END_TEST

/* Whatever is made of these eight pieces, no path comes out that leads upwards or out. */
START_TEST(never_leads_out)
{
    static const char *const pieces[] = {"/", ".", "..", "a", "%2e", "%2f", "/..", "/."};
    char target[64], out[66];
    int escaped = 0, good = 0;

    for (unsigned code = 0; code < 8u * 8 * 8 * 8 * 8; code++) {
        unsigned rest = code;

        strcpy(target, "/");
        for (int i = 0; i < 5; i++, rest /= 8)
            strcat(target, pieces[rest % 8]);
        if (!uri_path(target, strlen(target), out))
            continue;
        good++;
        escaped += out[0] != '/' || strstr(out, "/../") != NULL || strstr(out, "/./") != NULL ||
                   (strlen(out) >= 3 && strcmp(out + strlen(out) - 3, "/..") == 0);
    }
    ck_assert_int_gt(good, 1000);
    ck_assert_int_eq(escaped, 0);
}
END_TEST

static const struct {
    const char *query;
    const char *name;
    const char *value; /* NULL: none */
} queries[] = {
    {"a=1", "a", "1"},         {"a=1&b=2", "b", "2"},
    {"a=1&a=2", "a", "1"},     {"ab=1&a=2", "a", "2"},
    {"a=1&ab=2", "ab", "2"},   {"a", "a", ""},
    {"a=", "a", ""},           {"b&a", "a", ""},
    {"a=x=y", "a", "x=y"},     {"a=x+y%2Bz", "a", "x y+z"},
    {"&&a=1&&", "a", "1"},     {"", "a", NULL},
    {"b=1", "a", NULL},        {"A=1", "a", NULL},
    {"a=%", "a", NULL},        {"a=%4", "a", NULL},
    {"a=%00", "a", NULL},      {"a=1234567", "a", "1234567"},
    {"a=12345678", "a", NULL}, /* one more than fits */
};

START_TEST(finds_a_value)
{
    char value[8];
    bool found = uri_query(queries[_i].query, strlen(queries[_i].query), queries[_i].name, value,
                           sizeof(value));

    ck_assert_msg(found == (queries[_i].value != NULL), "%s", queries[_i].query);
    if (found)
        ck_assert_str_eq(value, queries[_i].value);
}
END_TEST

/* What is encoded is read back as it was, and nothing in it means anything on the way. */
START_TEST(encodes_every_byte)
{
    char path[257] = "/", text[3 * 257], back[3 * 257];

    for (int ch = 1; ch < 256; ch++)
        path[ch] = ch == '/' ? '-' : (char)ch;
    uri_encode(path, text);
    ck_assert_uint_eq(strcspn(text, "?#<>\"' \\"), strlen(text));
    ck_assert(uri_path(text, strlen(text), back));
    ck_assert_str_eq(back, path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uri");
    TCase *tcase = tcase_create("uri");

    tcase_add_loop_test(tcase, makes_a_path, 0, COUNT(paths));
    tcase_add_test(tcase, never_leads_out);
    tcase_add_loop_test(tcase, finds_a_value, 0, COUNT(queries));
    tcase_add_test(tcase, encodes_every_byte);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
