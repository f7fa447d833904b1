/*
 * Scenarios as the demonstration runs them: fitted to its servers and its time, or refused by name.
 */
#include "loadtest/demo/demo_plan.h"

#include "unit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/demo/demo_scenarios.h"
#include "loadtest/units.h"

static char folder[] = "/tmp/test_demo_plan_XXXXXX";
static struct demo_options options;
static struct demo d;

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
    demo_options_default(&options);
    options.duration_ns = 4 * NS_PER_S;
    d = (struct demo){.options = &options};
}

static void close_folder(void)
{
    static const char *const names[] = {"a.scn", "b.scn", "list.urls"};
    char path[128];
    demo_scenarios_free(&d);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Plans these anew. */
static bool plan(struct complaint *why, const char *first, const char *second)
{
    demo_scenarios_free(&d);
    options.scenarios[0] = first;
    options.scenarios[1] = second;
    options.scenario_count = second ? 2 : 1;
    why->text[0] = '\0';
    return demo_plan(&d, why);
}

START_TEST(a_scenario_is_fitted)
{
    struct complaint why;
    write_file("a.scn", "# The title\nconnections 7\nduration 60s\nheader A: b\ninject segv@1s\n");
    write_file("b.scn", "url /echo\nmethod POST\nduration 2s\nexpect p99 < 1s\n");
    ck_assert_msg(plan(&why, "a", "b"), "%s", why.text);
    ck_assert_uint_eq(d.scenario_count, 2);
    const struct run_options *a = &d.scenarios[0].options, *b = &d.scenarios[1].options;
    ck_assert_str_eq(d.scenarios[0].name, "a");
    ck_assert_str_eq(a->scenario_title, "The title");
    ck_assert_str_eq(a->urls[0], "/one.txt");
    ck_assert_uint_eq(a->connections, 7);
    ck_assert_int_eq(a->duration_ns, 4 * NS_PER_S);
    ck_assert_ptr_eq(a->dress.headers, a->headers); /* of this one, wherever it has moved */
    ck_assert_uint_eq(demo_plan_steady(a).injection_count, 0);
    ck_assert_uint_eq(a->injection_count, 1);
    ck_assert_str_eq(b->scenario_title, "b");
    ck_assert_str_eq(b->urls[0], "/echo");
    ck_assert_int_eq(b->duration_ns, 2 * NS_PER_S);
    ck_assert_uint_eq(b->expectation_count, 1);
}
END_TEST

START_TEST(the_command_line_wins)
{
    struct complaint why;
    write_file("a.scn", "connections 7\nseed 3\n");
    ck_assert(plan(&why, "a", NULL));
    ck_assert_uint_eq(d.scenarios[0].options.seed, 3);
    options.connections = 9;
    options.depth = 2;
    options.seed = 5;
    options.seed_given = true;
    ck_assert(plan(&why, "a", NULL));
    ck_assert_uint_eq(d.scenarios[0].options.connections, 9);
    ck_assert_uint_eq(d.scenarios[0].options.depth, 2);
    ck_assert_uint_eq(d.scenarios[0].options.seed, 5);
}
END_TEST

START_TEST(processes_elsewhere_are_out_of_reach)
{
    struct complaint why;
    options.elsewhere = true;
    write_file("a.scn", "inject segv=1%\ninject drip=1%\n");
    ck_assert_msg(plan(&why, "a", NULL), "%s", why.text);
    write_file("a.scn", "inject kill-worker@1s\n");
    ck_assert(!plan(&why, "a", NULL));
    ck_assert_ptr_nonnull(strstr(why.text, "out of reach"));
}
END_TEST

START_TEST(stages_keep_their_shape)
{
    struct complaint why;
    write_file("a.scn", "stages 10s@0-100,5s@100,5s@100-0\n");
    ck_assert(plan(&why, "a", NULL));
    const struct schedule *s = &d.scenarios[0].options.schedule;
    ck_assert_int_eq(schedule_length_ns(s), 4 * NS_PER_S);
    ck_assert_int_eq(s->stages[0].length_ns, 2 * NS_PER_S);
    ck_assert_int_eq(s->stages[2].length_ns, NS_PER_S);
    ck_assert(s->stages[0].to > 99.9 && s->stages[0].to < 100.1);
}
END_TEST

START_TEST(all_are_those_in_the_folder)
{
    struct complaint why;
    write_file("b.scn", "rate 5\n");
    write_file("a.scn", "rate 5\n");
    write_file("list.urls", "no scenario\n");
    ck_assert(plan(&why, "all", NULL));
    ck_assert_uint_eq(d.scenario_count, 2);
    ck_assert_str_eq(d.scenarios[0].name, "a");
    ck_assert_str_eq(d.scenarios[1].name, "b");
}
END_TEST

START_TEST(what_cannot_be_is_said)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"rate x\n", "a.scn:1: rate: \"x\" is not a rate"},
        {"start nginx\n", "scenario a: \"start\" is for loadtest run"},
        {"json out\n", "scenario a: \"json\" is for loadtest run"},
        {"urls list.urls\n", "\"urls\" is for loadtest run"},
        {"inject segv=1%\ninject-url segv=http://127.0.0.1/\n", "\"inject-url\" is for"},
        {"url http://127.0.0.1:1/x\n", "names a server, and demo starts its own"},
        {"inject segv@5s\n", "scenario a: segv comes after 5 s, when its run of 4 s is over"},
        {"inject restart@4s\n", "raise -d"},
        {"rate 5\nstages 5s@5\n", "exclude each other"}};
    struct complaint why;
    write_file("list.urls", "http://127.0.0.1:1/\n");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file("a.scn", bad[i].text);
        ck_assert_msg(!plan(&why, "a", NULL), "%s", bad[i].text);
        ck_assert_msg(strstr(why.text, bad[i].says), "%s", why.text);
    }
    ck_assert(!plan(&why, "other", NULL));
    ck_assert_ptr_nonnull(strstr(why.text, "no other.scn in /tmp/test_demo_plan_"));
}
END_TEST

START_TEST(an_empty_folder_is_told)
{
    struct complaint why;
    ck_assert(!plan(&why, "all", NULL));
    ck_assert_ptr_nonnull(strstr(why.text, "there is no scenario in /tmp/test_demo_plan_"));
}
END_TEST

START_TEST(those_that_are_shipped_fit)
{
    char shipped[512];
    struct complaint why;
    const char *source = getenv("TANDEM_SOURCE");
    ck_assert_msg(source != NULL, "TANDEM_SOURCE is not set: run this through ctest");
    snprintf(shipped, sizeof shipped, "%s/loadtest/scenarios", source);
    setenv("TANDEM_SCENARIOS", shipped, 1);
    ck_assert_msg(plan(&why, "all", NULL), "%s", why.text);
    ck_assert_uint_ge(d.scenario_count, 12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("demo_plan");
    TCase *tests = tcase_create("demo_plan");
    tcase_add_checked_fixture(tests, open_folder, close_folder);
    tcase_add_test(tests, a_scenario_is_fitted);
    tcase_add_test(tests, the_command_line_wins);
    tcase_add_test(tests, processes_elsewhere_are_out_of_reach);
    tcase_add_test(tests, stages_keep_their_shape);
    tcase_add_test(tests, all_are_those_in_the_folder);
    tcase_add_test(tests, what_cannot_be_is_said);
    tcase_add_test(tests, an_empty_folder_is_told);
    tcase_add_test(tests, those_that_are_shipped_fit);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
