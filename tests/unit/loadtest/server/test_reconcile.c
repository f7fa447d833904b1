/*
 * Two sides of one ledger: what must be equal, what may differ and by how much.
 */
#include "loadtest/server/reconcile.h"

#include "unit.h"

#include <check.h>
#include <string.h>

/* A server that counted `n` requests between two readings, of which it counted one itself. */
static struct server_side counted(uint64_t n)
{
    struct server_side s = {.asked = true, .readings = 1};
    s.before = (struct server_metrics){.started_s = 5, .requests = 100, .cpu_s = 1};
    s.after = (struct server_metrics){.started_s = 5, .requests = 101 + n, .cpu_s = 1.5};
    return s;
}

static const struct ledger none;

START_TEST(without_failures_the_two_are_equal)
{
    struct ledger run = {0}, warmup = {0};
    run.ended[INNOCENT][OUTCOME_OK] = 50;
    run.ended[INJECTED][OUTCOME_STATUS_5XX] = 5;
    run.ended[INNOCENT][OUTCOME_STATUS_4XX] = 2;
    run.ended[INNOCENT][OUTCOME_REFUSED] = 9; /* never left */
    warmup.ended[INNOCENT][OUTCOME_OK] = 10;
    struct server_side s = counted(67);
    reconcile(&s, &run, &warmup);
    ck_assert(s.comparable && s.reconciled);
    ck_assert_int_eq(s.difference, 0);
    ck_assert_uint_eq(s.counted, 67);
    ck_assert_uint_eq(s.unseen, 0);
    ck_assert(s.cpu_s > 0.49 && s.cpu_s < 0.51);
    s = counted(66);
    reconcile(&s, &run, &warmup);
    ck_assert(!s.reconciled && s.difference == -1);
    s = counted(68);
    reconcile(&s, &run, &warmup);
    ck_assert(!s.reconciled && s.difference == 1);
}
END_TEST

/* Health checks and other watchers, where the server counts them apart. */
START_TEST(watchers_are_taken_off)
{
    struct ledger run = {0};
    run.ended[INNOCENT][OUTCOME_OK] = 50;
    struct server_side s = counted(50 + 6);
    reconcile(&s, &run, &none);
    ck_assert(!s.reconciled);
    s.before.tells_watched = s.after.tells_watched = true;
    s.before.watched = 10;
    s.after.watched = 17; /* the reading before, and six of others */
    reconcile(&s, &run, &none);
    ck_assert(s.reconciled);
    ck_assert_uint_eq(s.counted, 50);
    s.after.watched = 16;
    reconcile(&s, &run, &none);
    ck_assert(!s.reconciled);
    s.before.tells_watched = false; /* it had answered nobody yet */
    s.before.watched = 0;
    s.after.watched = 7;
    reconcile(&s, &run, &none);
    ck_assert(s.reconciled);
}
END_TEST

START_TEST(what_we_could_not_see_it_may_have_counted)
{
    struct ledger run = {0}, warmup = {0};
    run.ended[INNOCENT][OUTCOME_OK] = 50;
    run.ended[INNOCENT][OUTCOME_RESET] = 3;
    run.ended[INNOCENT][OUTCOME_DEADLINE] = 1;
    run.ended[INJECTED][OUTCOME_TRUNCATED] = 2;
    run.unfinished[INNOCENT] = 1;
    warmup.unfinished[INNOCENT] = 1;
    for (uint64_t n = 49; n <= 59; n++) {
        struct server_side s = counted(n);
        reconcile(&s, &run, &warmup);
        ck_assert_uint_eq(s.unseen, 8);
        ck_assert_int_eq(s.reconciled, n >= 50 && n <= 58);
    }
}
END_TEST

START_TEST(answers_to_no_whole_request_count_as_well)
{
    struct ledger run = {0};
    run.ended[INNOCENT][OUTCOME_STATUS_4XX] = 20;
    struct server_side s = counted(0);
    s.after.refused = 20;
    reconcile(&s, &run, &none);
    ck_assert(s.reconciled && s.difference == 0);
}
END_TEST

START_TEST(a_server_that_was_started_again_is_not_judged)
{
    struct server_side s = counted(5);
    s.after.started_s = 6;
    reconcile(&s, &none, &none);
    ck_assert(!s.comparable && !s.reconciled);
    s = counted(5);
    s.after.requests = 99;
    reconcile(&s, &none, &none);
    ck_assert(!s.comparable);
}
END_TEST

START_TEST(deaths_are_those_of_this_run)
{
    struct server_side s = counted(0);
    s.before.causes = 1;
    strcpy(s.before.killed[0].cause, "segv");
    s.before.killed[0].requests = 10;
    s.after.causes = 2;
    strcpy(s.after.killed[0].cause, "timeout");
    s.after.killed[0].requests = 1;
    strcpy(s.after.killed[1].cause, "segv");
    s.after.killed[1].requests = 14;
    s.before.worker_deaths = 10;
    s.after.worker_deaths = 15;
    reconcile(&s, &none, &none);
    ck_assert_uint_eq(s.killed, 5);
    ck_assert_uint_eq(s.worker_deaths, 5);
    ck_assert_uint_eq(reconcile_killed(&s, "segv"), 4);
    ck_assert_uint_eq(reconcile_killed(&s, "abort"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reconcile");
    TCase *tests = tcase_create("reconcile");
    tcase_add_test(tests, without_failures_the_two_are_equal);
    tcase_add_test(tests, watchers_are_taken_off);
    tcase_add_test(tests, what_we_could_not_see_it_may_have_counted);
    tcase_add_test(tests, answers_to_no_whole_request_count_as_well);
    tcase_add_test(tests, a_server_that_was_started_again_is_not_judged);
    tcase_add_test(tests, deaths_are_those_of_this_run);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
