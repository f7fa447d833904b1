/*
 * What can be expected, and whether it holds.
 */
#include "loadtest/expect.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>

static struct result made_up(void)
{
    struct result r = {.rps = 1234.5, .without_service_s = 0.05};
    r.tally = calloc(1, sizeof *r.tally);
    ck_assert_ptr_nonnull(r.tally);
    r.tally->ledger.scheduled = 1000;
    r.tally->ledger.started[INNOCENT] = 1000;
    r.tally->ledger.ended[INNOCENT][OUTCOME_OK] = 999;
    r.tally->ledger.ended[INNOCENT][OUTCOME_RESET] = 1;
    r.victims.total = 1;
    hist_add_us(&r.tally->full.took, 900);
    for (int i = 0; i < 9; i++)
        hist_add_us(&r.tally->resumed.took, 300);
    r.full_rate = 100;
    r.resumed_rate = 900;
    for (int64_t us = 1; us <= 1000; us++)
        hist_add_us(&r.tally->corrected, us);
    return r;
}

static bool holds(const char *text)
{
    struct result r = made_up();
    struct expectation e;
    struct complaint why = {""};
    double measured;
    bool good = expectation_parse(text, &e, &why);
    ck_assert_msg(good, "%s", why.text);
    bool held = expectation_holds(&e, &r, &measured);
    free(r.tally);
    return held;
}

START_TEST(what_holds_and_what_does_not)
{
    ck_assert(holds("victims == 1"));
    ck_assert(!holds("victims==0"));
    ck_assert(holds("victims != 0"));
    ck_assert(holds("p99 < 20ms"));
    ck_assert(holds("p50 <= 500us"));
    ck_assert(!holds("p50 < 500us"));
    ck_assert(holds("rps > 1234"));
    ck_assert(!holds("rps > 50000"));
    ck_assert(holds("ok >= 99.9%"));
    ck_assert(!holds("ok > 99.9%"));
    ck_assert(holds("ok >= 999"));
    ck_assert(holds("failed <= 0.1%"));
    ck_assert(holds("reset == 1"));
    ck_assert(holds("status_5xx == 0"));
    ck_assert(holds("without_service < 100ms"));
    ck_assert(holds("handshakes == 10"));
    ck_assert(holds("resumed == 9"));
    ck_assert(holds("resumed >= 90%"));
    ck_assert(!holds("resumed > 90%"));
    ck_assert(holds("handshakes_per_second >= 1000"));
    ck_assert(!holds("handshakes_per_second > 1000"));
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    static const char *const bad[] = {"",        "p99",     "p99 <",     "p99 < x", "p99 20ms",
                                      "p98 < 1", "rps > x", "rps > 10%", "ok >= ",  "< 5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct expectation e;
        struct complaint why;
        ck_assert_msg(!expectation_parse(bad[i], &e, &why), "%s", bad[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expect");
    TCase *tests = tcase_create("expect");
    tcase_add_test(tests, what_holds_and_what_does_not);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
