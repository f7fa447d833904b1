/*
 * The command line of `loadtest compare`: subjects, what is borrowed from `run`, and mistakes.
 */
#include "loadtest/compare/compare_options.h"

#include "unit.h"

#include <check.h>
#include <string.h>

#include "loadtest/units.h"

static struct compare_options o;
static struct complaint why;

static bool parse(const char *const *words)
{
    int n = 0;
    while (words[n])
        n++;
    compare_options_default(&o);
    why.text[0] = '\0';
    return compare_options_parse(&o, n, (char *const *)words, &why);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})
#define REFUSED(words, ...)                                             \
    do {                                                                \
        ck_assert(!PARSE(__VA_ARGS__));                                 \
        ck_assert_msg(strstr(why.text, words) != NULL, "%s", why.text); \
    } while (0)

START_TEST(subjects_and_defaults)
{
    ck_assert(PARSE("old=http://127.0.0.1:1/?a=b", "new-2.0=unix:/run/x.sock:/"));
    ck_assert_uint_eq(o.subject_count, 2);
    ck_assert_str_eq(o.subjects[0].name, "old");
    ck_assert_str_eq(o.subjects[0].url, "http://127.0.0.1:1/?a=b");
    ck_assert_str_eq(o.subjects[1].name, "new-2.0");
    ck_assert_uint_eq(o.rounds, 50);
    ck_assert_int_eq(o.load.duration_ns, 200 * NS_PER_MS); /* of a round */
    ck_assert_int_eq(o.load.warmup_ns, 50 * NS_PER_MS);
    ck_assert_uint_eq(o.load.connections, 64);
}
END_TEST

START_TEST(options_of_run)
{
    ck_assert(PARSE("-c10", "-t", "2", "-d", "6s", "--rounds=20", "-R", "1k", "-b", "x", "-H",
                    "A: b", "--warmup", "0s", "--json", "-", "a=http://x/", "b=http://y/"));
    ck_assert_uint_eq(o.load.connections, 10);
    ck_assert_int_eq(o.load.duration_ns, 300 * NS_PER_MS);
    ck_assert_str_eq(o.load.dress.method, "POST");
    ck_assert_uint_eq(o.load.dress.header_count, 1);
    ck_assert_int_eq(o.load.warmup_ns, 0);
    ck_assert(PARSE("--help"));
}
END_TEST

START_TEST(mistakes_are_named)
{
    REFUSED("which servers?", "--quiet");
    REFUSED("Name a second one", "a=http://x/");
    REFUSED("not NAME=URL", "http://x/?a=b", "b=http://y/");
    REFUSED("not NAME=URL", "a=", "b=http://y/");
    REFUSED("not NAME=URL", "=http://x/", "b=http://y/");
    REFUSED("two subjects are called a", "a=http://x/", "a=http://y/");
    REFUSED("longer than 24", "abcdefghijklmnopqrstuvwxy=http://x/");
    REFUSED("8 subjects at most", "1=x", "2=x", "3=x", "4=x", "5=x", "6=x", "7=x", "8=x", "9=x");
    REFUSED("--rounds", "--rounds", "5", "a=http://x/", "b=http://y/");
    REFUSED("--rounds", "--rounds", "1001", "a=http://x/", "b=http://y/");
    REFUSED("raise -d", "-d", "1s", "--rounds", "40", "a=http://x/", "b=http://y/");
    REFUSED("lower -t", "-c", "2", "-t", "3", "a=http://x/", "b=http://y/");
    REFUSED("loadtest compare --help", "--inject", "segv=1%", "a=http://x/", "b=http://y/");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare_options");
    TCase *tests = tcase_create("compare_options");
    tcase_add_test(tests, subjects_and_defaults);
    tcase_add_test(tests, options_of_run);
    tcase_add_test(tests, mistakes_are_named);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
