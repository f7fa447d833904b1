/*
 * The command line of `loadtest run`: what is understood, and that what is not is named.
 */
#include "loadtest/options.h"

#include <check.h>
#include <string.h>

#include "loadtest/units.h"

static struct run_options o;

static bool parse(struct complaint *why, const char *const *words)
{
    int n = 0;
    while (words[n])
        n++;
    run_options_default(&o);
    why->text[0] = '\0';
    return run_options_parse(&o, n, (char *const *)words, why);
}

#define PARSE(why, ...) parse(why, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_full_command_line)
{
    struct complaint why;
    ck_assert(PARSE(&why, "-c10", "-t", "2", "--duration=3s", "-R", "1k", "-H", "A: b", "-b", "x",
                    "--inject", "segv=1%", "--inject-url", "segv=http://127.0.0.1:1/crash",
                    "--expect", "victims == 0", "--json", "-", "--quiet", "http://127.0.0.1:1/"));
    ck_assert_uint_eq(o.connections, 10);
    ck_assert_uint_eq(o.threads, 2);
    ck_assert_int_eq(o.duration_ns, 3 * NS_PER_S);
    ck_assert(o.rate > 999 && o.rate < 1001);
    ck_assert_str_eq(o.dress.method, "POST");
    ck_assert_str_eq(o.injections[0].url, "http://127.0.0.1:1/crash");
    ck_assert_int_eq(o.warmup_ns,
                     NS_PER_S); /* something is injected: the warm-up is the yardstick */
    ck_assert_uint_eq(o.url_count, 1);
}
END_TEST

START_TEST(defaults)
{
    struct complaint why;
    ck_assert(PARSE(&why, "http://127.0.0.1:1/"));
    ck_assert_str_eq(o.dress.method, "GET");
    ck_assert_int_eq(o.duration_ns, 10 * NS_PER_S);
    ck_assert_int_eq(o.warmup_ns, 0);
    ck_assert(PARSE(&why, "-n", "5", "http://127.0.0.1:1/"));
    ck_assert_int_eq(o.duration_ns, INT64_MAX);
}
END_TEST

START_TEST(mistakes_are_named)
{
    struct complaint why;
    ck_assert(!PARSE(&why, "--quiet"));
    ck_assert_ptr_nonnull(strstr(why.text, "which server"));
    ck_assert(!PARSE(&why, "--frob", "x"));
    ck_assert_ptr_nonnull(strstr(why.text, "--frob"));
    ck_assert(!PARSE(&why, "-c"));
    ck_assert_ptr_nonnull(strstr(why.text, "-c"));
    ck_assert(!PARSE(&why, "--quiet=yes", "x"));
    ck_assert(!PARSE(&why, "-c", "2", "-t", "3", "http://x/"));
    ck_assert(!PARSE(&why, "--inject-url", "segv=http://x/", "http://x/"));
    ck_assert_ptr_nonnull(strstr(why.text, "--inject segv=1%"));
    ck_assert(!PARSE(&why, "--inject", "a=60%", "--inject", "b=60%", "http://x/"));
    ck_assert(!PARSE(&why, "--inject", "kill-worker@1s", "http://x/"));
    ck_assert_ptr_nonnull(strstr(why.text, "--start"));
    ck_assert(PARSE(&why, "--inject", "kill-worker@1s", "--start", "a server", "http://x/"));
    ck_assert(!PARSE(&why, "--inject", "freeze@1s", "--inject-url", "freeze=http://x/", "--start",
                     "a server", "http://x/"));
    ck_assert_ptr_nonnull(strstr(why.text, "another name"));
    ck_assert(!PARSE(&why, "--pipeline", "2", "--no-keepalive", "http://x/"));
    ck_assert(!PARSE(&why, "-b", "@/nonexistent", "http://x/"));
}
END_TEST

START_TEST(what_is_not_built_is_refused)
{
    struct complaint why;
    static const char *const names[] = {"--csv", "--html", "--hlog"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert(!PARSE(&why, names[i], "file", "http://x/"));
        ck_assert_ptr_nonnull(strstr(why.text, "not built yet"));
    }
    ck_assert(!PARSE(&why, "--insecure", "http://x/"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("options");
    tcase_add_test(tests, a_full_command_line);
    tcase_add_test(tests, defaults);
    tcase_add_test(tests, mistakes_are_named);
    tcase_add_test(tests, what_is_not_built_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
