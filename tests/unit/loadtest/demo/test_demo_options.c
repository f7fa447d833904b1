/*
 * The options of the demonstration: what they are when nobody gives them depends on what is run.
 */
#include "loadtest/demo/demo_options.h"

#include "unit.h"

#include <check.h>
#include <string.h>

#include "loadtest/units.h"

static struct demo_options o;

static bool parse(struct complaint *why, const char *const *words)
{
    int n = 0;
    while (words[n])
        n++;
    demo_options_default(&o);
    why->text[0] = '\0';
    return demo_options_parse(&o, n, (char *const *)words, why);
}

#define PARSE(why, ...) parse(why, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(the_experiment_has_its_own_numbers)
{
    struct complaint why;
    ck_assert(PARSE(&why, "--quiet"));
    ck_assert_uint_eq(o.scenario_count, 0);
    ck_assert_int_eq(o.duration_ns, 10 * NS_PER_S);
    ck_assert_uint_eq(o.connections, 64);
    ck_assert_uint_eq(o.depth, 1);
    ck_assert_str_eq(o.kind, "segv");
    ck_assert(PARSE(&why, "-d", "3s", "-c", "7", "--kind", "abort", "--share", "2%"));
    ck_assert_int_eq(o.duration_ns, 3 * NS_PER_S);
    ck_assert_uint_eq(o.connections, 7);
    ck_assert_str_eq(o.kind, "abort");
}
END_TEST

START_TEST(scenarios_keep_theirs)
{
    struct complaint why;
    ck_assert(PARSE(&why, "--scenario", "steady", "--scenario=all"));
    ck_assert_uint_eq(o.scenario_count, 2);
    ck_assert_str_eq(o.scenarios[0], "steady");
    ck_assert_str_eq(o.scenarios[1], "all");
    ck_assert_int_eq(o.duration_ns, 4 * NS_PER_S);
    ck_assert_uint_eq(o.connections, 0);
    ck_assert_uint_eq(o.depth, 0);
    ck_assert(!o.seed_given);
    ck_assert(PARSE(&why, "-d", "30s", "--seed", "5", "--scenario", "steady"));
    ck_assert_int_eq(o.duration_ns, 30 * NS_PER_S);
    ck_assert(o.seed_given);
}
END_TEST

START_TEST(servers_may_be_elsewhere)
{
    struct complaint why;
    ck_assert(PARSE(&why, "--against", "pool=proc:8080,proc:9090", "--against=thread=t:1,t:2",
                    "--against", "fresh=10.0.0.7:80,10.0.0.7:90"));
    ck_assert(o.elsewhere);
    ck_assert(!o.pin);
    ck_assert_str_eq(o.against[POOL].address, "proc:8080");
    ck_assert_str_eq(o.against[POOL].admin, "proc:9090");
    ck_assert_str_eq(o.against[FRESH].address, "10.0.0.7:80");
    ck_assert(!PARSE(&why, "--against", "pool=proc:8080,proc:9090", "--against=thread=t:1,t:2"));
    ck_assert_ptr_nonnull(strstr(why.text, "fresh"));
    ck_assert(!PARSE(&why, "--against", "pool=a:1,a:2", "--against=thread=a:1,a:2", "--against",
                     "fresh=a:1,a:2", "--workers", "3"));
    ck_assert_ptr_nonnull(strstr(why.text, "--workers"));
    ck_assert(PARSE(&why, "--quiet"));
    ck_assert(!o.elsewhere);
}
END_TEST

START_TEST(elsewhere_is_a_name_and_two_places)
{
    static const char *const bad[] = {
        "pool",        "pool=",       "pool=a:1",           "pool=a:1,",
        "pool=a,b",    "pool=:1,:2",  "swim=a:1,a:2",       "=a:1,a:2",
        "poo=a:1,a:2", "pool=a:1,b:", "pool=http://a:1,a:2"};
    struct complaint why;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!PARSE(&why, "--against", bad[i]), "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(why.text, "NAME=HOST:PORT,HOST:ADMINPORT"));
    }
}
END_TEST

START_TEST(one_says_what_is_done)
{
    struct complaint why;
    ck_assert(!PARSE(&why, "--scenario", "steady", "--kind", "abort"));
    ck_assert_ptr_nonnull(strstr(why.text, "--kind and --share have no say with --scenario"));
    ck_assert(!PARSE(&why, "--share", "2%", "--scenario", "steady"));
    ck_assert(!PARSE(&why, "--scenario", ""));
    ck_assert(!PARSE(&why, "steady"));
    ck_assert_ptr_nonnull(strstr(why.text, "demo takes no argument \"steady\""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("demo_options");
    TCase *tests = tcase_create("demo_options");
    tcase_add_test(tests, the_experiment_has_its_own_numbers);
    tcase_add_test(tests, scenarios_keep_theirs);
    tcase_add_test(tests, servers_may_be_elsewhere);
    tcase_add_test(tests, elsewhere_is_a_name_and_two_places);
    tcase_add_test(tests, one_says_what_is_done);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
