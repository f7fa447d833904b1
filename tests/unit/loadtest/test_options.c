/*
 * The command line of `loadtest run`: what is understood, and that what is not is named.
 */
#include "loadtest/options.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
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

START_TEST(files_to_write)
{
    struct complaint why;
    ck_assert(PARSE(&why, "--hlog", "a.hlog", "--json", "-", "http://127.0.0.1:1/"));
    ck_assert_str_eq(o.hlog, "a.hlog");
    ck_assert(!PARSE(&why, "--hlog", "-", "http://127.0.0.1:1/"));
    ck_assert_ptr_nonnull(strstr(why.text, "option --hlog: a file name is missing"));
}
END_TEST

START_TEST(how_tls_is_chosen)
{
    struct complaint why;
    ck_assert(PARSE(&why, "--insecure", "--cacert=x.pem", "--tls-resume", "https://127.0.0.1:1/"));
    ck_assert(o.tls.insecure && o.tls.resume);
    ck_assert_str_eq(o.tls.cacert, "x.pem");
    ck_assert(PARSE(&why, "https://127.0.0.1:1/"));
    ck_assert(!o.tls.insecure && !o.tls.resume && !o.tls.cacert);
    ck_assert(!PARSE(&why, "--cacert=", "https://127.0.0.1:1/"));
    ck_assert(PARSE(&why, "--cert=c.pem", "--key=k.pem", "--tls-version=1.3", "https://x/"));
    ck_assert_str_eq(o.tls.cert, "c.pem");
    ck_assert_str_eq(o.tls.key, "k.pem");
    ck_assert(o.tls.only_13 && !o.tls.only_12);
    ck_assert(PARSE(&why, "--tls-version=1.3", "--tls-version=1.2", "https://x/"));
    ck_assert(o.tls.only_12 && !o.tls.only_13);
    ck_assert(!PARSE(&why, "--tls-version=1.1", "https://x/"));
    ck_assert(!PARSE(&why, "--key=k.pem", "https://x/"));
    ck_assert_ptr_nonnull(strstr(why.text, "--cert FILE"));
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

START_TEST(the_open_loop_in_all_its_forms)
{
    struct complaint why;
    ck_assert(PARSE(&why, "-R", "0.5", "http://x/"));
    ck_assert(o.rate > 0.49 && o.rate < 0.51);
    ck_assert(!schedule_is_open(&o.schedule)); /* the run makes one of the rate */
    ck_assert(PARSE(&why, "--stages", "10s@1000,20s@0-5000", "--arrivals=poisson", "http://x/"));
    ck_assert_uint_eq(o.schedule.stage_count, 2);
    ck_assert(o.schedule.poisson);
    ck_assert_int_eq(o.duration_ns, 30 * NS_PER_S);
    ck_assert(o.rate > 1999 && o.rate < 2001);
    ck_assert(PARSE(&why, "--stages", "10s@1000", "-d", "4s", "http://x/"));
    ck_assert_int_eq(o.duration_ns, 4 * NS_PER_S);
    ck_assert(PARSE(&why, "--stages", "10s@1000", "-d", "40s", "http://x/"));
    ck_assert_int_eq(o.duration_ns, 10 * NS_PER_S);
    ck_assert(!PARSE(&why, "-R", "5", "--stages", "10s@1000", "http://x/"));
    ck_assert_ptr_nonnull(strstr(why.text, "exclude"));
    ck_assert(!PARSE(&why, "--arrivals=poisson", "http://x/"));
    ck_assert_ptr_nonnull(strstr(why.text, "needs a rate"));
    ck_assert(!PARSE(&why, "--arrivals=random", "-R1", "http://x/"));
    ck_assert(!PARSE(&why, "-R", "0", "http://x/"));
    ck_assert(!PARSE(&why, "--stages", "10s@0", "http://x/"));
}
END_TEST

/* All of it on one screen of 80 columns and 48 lines. */
START_TEST(help_fits_a_screen)
{
    char *text = NULL;
    size_t length = 0, lines = 0;
    FILE *out = open_memstream(&text, &length);
    run_options_help(out);
    fclose(out);
    for (const char *line = text; *line; lines++) {
        size_t width = strcspn(line, "\n");
        ck_assert_msg(width <= 80, "%zu columns: %.*s", width, (int)width, line);
        line += width + (line[width] == '\n');
    }
    ck_assert_uint_le(lines, 48);
    ck_assert_ptr_nonnull(strstr(text, "--connections"));
    free(text);
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

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("options");
    tcase_add_test(tests, a_full_command_line);
    tcase_add_test(tests, files_to_write);
    tcase_add_test(tests, how_tls_is_chosen);
    tcase_add_test(tests, defaults);
    tcase_add_test(tests, the_open_loop_in_all_its_forms);
    tcase_add_test(tests, help_fits_a_screen);
    tcase_add_test(tests, mistakes_are_named);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
