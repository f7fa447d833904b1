/*
 * Scenarios: found, read, overruled by the command line, and their mistakes named; those that are
 * shipped are all valid.
 */
#include "loadtest/scenario.h"

#include "unit.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/units.h"

static char folder[] = "/tmp/test_scenario_XXXXXX";
static struct run_options o;

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

static void open_folder(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TANDEM_SCENARIOS", folder, 1);
}

static void close_folder(void)
{
    static const char *const names[] = {"it.scn", "list.urls", "body.txt"};
    char path[128];
    run_options_free(&o);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

static bool parse(struct complaint *why, const char *const *words)
{
    int n = 0;
    while (words[n])
        n++;
    run_options_free(&o);
    run_options_default(&o);
    why->text[0] = '\0';
    return run_options_parse(&o, n, (char *const *)words, why);
}

#define PARSE(why, ...) parse(why, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(every_line_is_an_option)
{
    struct complaint why;
    write_file("it.scn",
               "## The title \n\nconnections 7\n  rate   2k\nheader A: b c\nno-keepalive\n"
               "# a comment\ninject segv=1%\nurl http://127.0.0.1:1/x\nexpect p99 < 1s\n");
    ck_assert_msg(PARSE(&why, "--scenario", "it"), "%s", why.text);
    ck_assert_str_eq(o.scenario_title, "The title ");
    ck_assert_uint_eq(o.connections, 7);
    ck_assert(o.rate > 1999 && o.rate < 2001);
    ck_assert_str_eq(o.headers[0], "A: b c");
    ck_assert(!o.dress.keepalive);
    ck_assert_uint_eq(o.injection_count, 1);
    ck_assert_uint_eq(o.expectation_count, 1);
    ck_assert_str_eq(o.urls[0], "http://127.0.0.1:1/x");
    ck_assert_int_eq(o.warmup_ns, NS_PER_S);
}
END_TEST

START_TEST(the_command_line_wins)
{
    struct complaint why;
    write_file("it.scn", "connections 7\nduration 3s\nstages 5s@100\nurl http://127.0.0.1:1/x\n");
    ck_assert(PARSE(&why, "-c", "9", "--scenario=it", "http://127.0.0.1:1/y"));
    ck_assert_uint_eq(o.connections, 9);
    ck_assert_uint_eq(o.url_count, 1);
    ck_assert_str_eq(o.urls[0], "http://127.0.0.1:1/y");
    ck_assert_int_eq(o.duration_ns, 3 * NS_PER_S); /* the stages are cut short by the scenario */
    ck_assert(PARSE(&why, "--scenario", "it", "-R", "5"));
    ck_assert_uint_eq(o.schedule.stage_count, 0);
    ck_assert(o.rate > 4.9 && o.rate < 5.1);
    ck_assert(PARSE(&why, "--scenario", "it", "--stages", "20s@7"));
    ck_assert_int_eq(o.duration_ns, 20 * NS_PER_S); /* its duration belonged to its stages */
    write_file("it.scn", "rate 100\n");
    ck_assert(PARSE(&why, "--scenario", "it", "--stages", "20s@7", "http://127.0.0.1:1/"));
    ck_assert(o.rate > 6.9 && o.rate < 7.1);
}
END_TEST

START_TEST(a_path_is_no_server)
{
    struct complaint why;
    write_file("it.scn", "url /echo\n");
    ck_assert(!PARSE(&why, "--scenario", "it"));
    ck_assert_ptr_nonnull(strstr(why.text, "/echo is a path only: on which server?"));
    ck_assert(PARSE(&why, "--scenario", "it", "http://127.0.0.1:1/other"));
    ck_assert_uint_eq(o.url_count, 1);
    ck_assert_str_eq(o.urls[0], "http://127.0.0.1:1/other");
}
END_TEST

START_TEST(files_are_looked_for_beside_it)
{
    struct complaint why;
    char path[128];
    write_file("it.scn", "urls list.urls\nbody @body.txt\n");
    write_file("list.urls", "2 http://127.0.0.1:1/\nhttp://127.0.0.1:1/b\n");
    write_file("body.txt", "hello");
    snprintf(path, sizeof path, "%s/it.scn", folder);
    ck_assert_msg(PARSE(&why, "--scenario", path), "%s", why.text);
    ck_assert_uint_eq(o.listed.count, 2);
    ck_assert_uint_eq(o.dress.body_length, 5);
    ck_assert_str_eq(o.dress.method, "POST");
    ck_assert(PARSE(&why, "--scenario", path, "http://127.0.0.1:1/"));
    ck_assert_uint_eq(o.listed.count, 0); /* the command line's URL stands in their place */
    ck_assert_uint_eq(o.url_count, 1);
}
END_TEST

START_TEST(mistakes_have_a_file_and_a_line)
{
    static const struct {
        const char *text, *says;
    } bad[] = {{"# t\nrate x\n", "it.scn:2: rate: \"x\" is not a rate"},
               {"frob 1\n", "it.scn:1: there is no option \"frob\""},
               {"--rate 5\n", "it.scn:1: there is no option \"--rate\""},
               {"\n\nrate\n", "it.scn:3: rate needs a value"},
               {"no-keepalive yes\n", "it.scn:1: no-keepalive takes no value"},
               {"scenario it\n", "it.scn:1: scenario is for the command line only"},
               {"help\n", "it.scn:1: help is for"},
               {"urls nowhere\n", "it.scn:1: urls: file "},
               {"rate 5\nstages 5s@5\n", "exclude each other"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct complaint why;
        write_file("it.scn", bad[i].text);
        ck_assert_msg(!PARSE(&why, "--scenario", "it", "http://127.0.0.1:1/"), "%s", bad[i].text);
        ck_assert_msg(strstr(why.text, bad[i].says), "%s", why.text);
    }
    struct complaint why;
    ck_assert(!PARSE(&why, "--scenario", "other", "http://127.0.0.1:1/"));
    ck_assert_ptr_nonnull(strstr(why.text, "no other.scn in /tmp/test_scenario_"));
    ck_assert(!PARSE(&why, "--scenario", "./other", "http://127.0.0.1:1/"));
    ck_assert_ptr_nonnull(strstr(why.text, "./other cannot be read"));
}
END_TEST

START_TEST(those_that_are_shipped_are_valid)
{
    char pattern[512];
    glob_t found;
    const char *source = getenv("TANDEM_SOURCE");
    ck_assert_msg(source != NULL, "TANDEM_SOURCE is not set: run this through ctest");
    snprintf(pattern, sizeof pattern, "%s/loadtest/scenarios/*.scn", source);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, 12);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct complaint why;
        bool good = PARSE(&why, "--scenario", found.gl_pathv[i], "--start", "server",
                          "http://127.0.0.1:1/");
        ck_assert_msg(good, "%s", why.text);
        ck_assert_msg(o.scenario_title[0] != '\0', "%s has no title", found.gl_pathv[i]);
    }
    globfree(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scenario");
    TCase *tests = tcase_create("scenario");
    tcase_add_checked_fixture(tests, open_folder, close_folder);
    tcase_add_test(tests, every_line_is_an_option);
    tcase_add_test(tests, the_command_line_wins);
    tcase_add_test(tests, a_path_is_no_server);
    tcase_add_test(tests, files_are_looked_for_beside_it);
    tcase_add_test(tests, mistakes_have_a_file_and_a_line);
    tcase_add_test(tests, those_that_are_shipped_are_valid);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
