/*
 * Rows for a spreadsheet: columns in their places, and no zero where there is no value.
 */
#include <stdlib.h>

#include "loadtest/report/report.h"
#include "unit.h"

static struct result *made_up(double rate)
{
    struct result *r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    r->tally = calloc(1, sizeof *r->tally);
    ck_assert_ptr_nonnull(r->tally);
    ck_assert(timeline_init(&r->timeline, 0));
    r->rate = rate;
    if (rate > 0)
        schedule_constant(&r->schedule, rate);
    r->facts.seconds = 2;
    r->timeline.count = 3;
    r->timeline.rows[0] = (struct timeline_row){.ok = 1000,
                                                .failed = 2,
                                                .injected = 3,
                                                .tls_full = 4,
                                                .tls_resumed = 5,
                                                .p50_us = 40,
                                                .p99_us = 500,
                                                .max_us = 6000};
    r->timeline.rows[1] = (struct timeline_row){.failed = 7, .tls_full = 6};
    r->timeline.rows[2] =
        (struct timeline_row){.ok = 1, .p50_us = 2000000, .p99_us = 2000000, .max_us = 2000000};
    return r;
}

static void expect_csv(struct result *r, const char *expected)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    report_csv(out, r);
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
    result_free(r);
    free(r);
}

#define HEAD                                                                              \
    "second,row_seconds,due_per_second,ok,failed,injected,p50_us,p99_us,max_us,tls_full," \
    "tls_resumed\n"

START_TEST(an_open_loop_has_a_rate_while_it_lasts)
{
    expect_csv(made_up(1002.5), HEAD "0,1,1002.5,1000,2,3,40,500,6000,4,5\n"
                                     "1,1,1002.5,0,7,0,,,,6,0\n"
                                     "2,1,0,1,0,0,2000000,2000000,2000000,0,0\n");
}
END_TEST

START_TEST(a_closed_loop_has_none)
{
    struct result *r = made_up(0);
    r->timeline.row_seconds = 4;
    expect_csv(r, HEAD "0,4,,1000,2,3,40,500,6000,4,5\n"
                       "4,4,,0,7,0,,,,6,0\n"
                       "8,4,,1,0,0,2000000,2000000,2000000,0,0\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_csv");
    TCase *tests = tcase_create("report_csv");
    tcase_add_test(tests, an_open_loop_has_a_rate_while_it_lasts);
    tcase_add_test(tests, a_closed_loop_has_none);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
