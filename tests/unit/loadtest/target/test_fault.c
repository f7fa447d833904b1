/*
 * What --inject takes, and what it says of the rest.
 */
#include "loadtest/target/fault.h"

#include "unit.h"

#include <check.h>
#include <string.h>

#include "loadtest/units.h"

static struct injection good(const char *text)
{
    struct injection i;
    struct complaint why = {""};
    ck_assert_msg(injection_parse(text, &i, &why), "%s: %s", text, why.text);
    return i;
}

static void bad(const char *text, const char *word)
{
    struct injection i;
    struct complaint why = {""};
    ck_assert_msg(!injection_parse(text, &i, &why), "%s", text);
    ck_assert_msg(strstr(why.text, word) != NULL, "%s: %s", text, why.text);
}

START_TEST(a_request_is_poisoned_by_share_or_by_time)
{
    struct injection i = good("segv=1%");
    ck_assert(i.share > 0.0099 && i.share < 0.0101);
    ck_assert_int_eq(i.level, FAULT_REQUEST);
    i = good("hang@5s/500ms");
    ck_assert_str_eq(i.kind, "hang");
    ck_assert_int_eq(i.first_ns, 5 * NS_PER_S);
    ck_assert_int_eq(i.every_ns, 500 * NS_PER_MS);
    ck_assert_int_eq(i.lasting_ns, 0);
}
END_TEST

START_TEST(a_process_is_hit_by_time_only)
{
    struct injection i = good("kill-worker@3s/1s");
    ck_assert_int_eq(i.level, FAULT_PROCESS);
    ck_assert_int_eq(i.every_ns, NS_PER_S);
    ck_assert_int_eq(good("restart@3s").level, FAULT_PROCESS);
    ck_assert_int_eq(good("reload@3s").level, FAULT_PROCESS);
    bad("kill-worker=1%", "kill-worker@5s");
    bad("freeze:6s=1%", "freeze@5s");
}
END_TEST

START_TEST(a_freeze_takes_a_time)
{
    ck_assert_int_eq(good("freeze@2s").lasting_ns, NS_PER_S);
    struct injection i = good("freeze:6s@2s/20s");
    ck_assert_str_eq(i.kind, "freeze");
    ck_assert_int_eq(i.lasting_ns, 6 * NS_PER_S);
    ck_assert_int_eq(i.first_ns, 2 * NS_PER_S);
    bad("freeze:@2s", "freeze:6s@2s");
    bad("freeze:0s@2s", "freeze:6s@2s");
    bad("segv:6s@2s", "takes no time");
    bad("kill-worker:6s@2s", "takes no time");
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const texts[] = {"",
                                        "segv",
                                        "=1%",
                                        ":1s@2s",
                                        "Segv=1%",
                                        "a b@1s",
                                        "a-kind-whose-name-is-longer-than-any-could-be@1s"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        bad(texts[i], "is not KIND");
    bad("segv=200%", "share");
    bad("segv@soon", "moment");
    bad("segv@1s/0s", "interval");
    bad("segv@1s/0.001us", "interval"); /* ten thousand million of them in a run of 10 s */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault");
    TCase *tests = tcase_create("fault");
    tcase_add_test(tests, a_request_is_poisoned_by_share_or_by_time);
    tcase_add_test(tests, a_process_is_hit_by_time_only);
    tcase_add_test(tests, a_freeze_takes_a_time);
    tcase_add_test(tests, nonsense_is_refused);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
