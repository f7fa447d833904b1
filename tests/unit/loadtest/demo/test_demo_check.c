/*
 * The experiment checks itself: when do deaths and faults agree?
 */
#include "loadtest/demo/demo_check.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>

/* A run with so many faults, of which `answered` got a 5xx, and what the server counted. */
static struct demo_check check(const char *kind, bool together, uint64_t injected,
                               uint64_t answered, uint64_t killed, uint64_t deaths)
{
    struct tally *tally = calloc(1, sizeof *tally);
    struct result *r = calloc(1, sizeof *r);
    ck_assert(tally && r);
    r->tally = tally;
    tally->ledger.started[INJECTED] = injected;
    tally->ledger.ended[INJECTED][OUTCOME_STATUS_5XX] = answered;
    tally->ledger.ended[INJECTED][OUTCOME_RESET] = injected - answered;
    r->server.comparable = true;
    r->server.killed = killed;
    r->server.worker_deaths = deaths;
    struct demo_check c = demo_check(kind, together, r);
    free(tally);
    free(r);
    return c;
}

START_TEST(processes_must_agree_exactly)
{
    ck_assert(check("segv", false, 100, 100, 100, 100).holds);
    ck_assert(!check("segv", false, 100, 100, 99, 99).holds);
    ck_assert(!check("segv", false, 100, 100, 101, 101).holds);
    ck_assert(check("segv", false, 0, 0, 0, 0).holds);
}
END_TEST

START_TEST(less_those_whose_end_was_not_seen)
{
    ck_assert(check("abort", false, 100, 98, 98, 98).holds);
    ck_assert(!check("abort", false, 100, 98, 97, 97).holds);
    ck_assert(check("partial-write", false, 10, 0, 10, 10).holds);
}
END_TEST

START_TEST(threads_die_together)
{
    ck_assert(check("segv", true, 100, 0, 80, 79).holds);
    ck_assert(!check("segv", true, 100, 0, 0, 0).holds);
    ck_assert(!check("segv", true, 100, 0, 79, 80).holds);
    ck_assert(!check("segv", true, 100, 0, 101, 80).holds);
    ck_assert(check("segv", true, 0, 0, 0, 0).holds);
}
END_TEST

START_TEST(a_fault_that_found_no_connection_kills_nobody)
{
    struct tally *tally = calloc(1, sizeof *tally);
    struct result *r = calloc(1, sizeof *r);
    ck_assert(tally && r);
    r->tally = tally;
    r->server.comparable = true;
    tally->ledger.started[INJECTED] = 2;
    tally->ledger.ended[INJECTED][OUTCOME_REFUSED] = 2;
    ck_assert(demo_check("segv", true, r).holds);
    tally->ledger.ended[INJECTED][OUTCOME_REFUSED] = 1;
    tally->ledger.ended[INJECTED][OUTCOME_RESET] = 1;
    ck_assert(!demo_check("segv", true, r).holds);
    free(tally);
    free(r);
}
END_TEST

START_TEST(what_need_not_kill_is_bounded_only)
{
    ck_assert(check("leak", false, 100, 0, 0, 0).holds);
    ck_assert(check("hang", false, 100, 30, 30, 30).holds);
    ck_assert(!check("hang", false, 100, 30, 101, 101).holds);
}
END_TEST

START_TEST(a_server_that_does_not_tell_proves_nothing)
{
    struct tally *tally = calloc(1, sizeof *tally);
    struct result *r = calloc(1, sizeof *r);
    ck_assert(tally && r);
    r->tally = tally;
    ck_assert(!demo_check("segv", false, r).holds);
    free(tally);
    free(r);
}
END_TEST

/* A run under these, after which the server counts so much. */
static struct demo_check check_faults(const struct injection *faults, size_t count,
                                      uint64_t injected, size_t marks, uint64_t killed,
                                      uint64_t deaths)
{
    struct tally *tally = calloc(1, sizeof *tally);
    struct result *r = calloc(1, sizeof *r);
    ck_assert(tally && r);
    r->tally = tally;
    tally->ledger.started[INJECTED] = injected;
    tally->ledger.ended[INJECTED][OUTCOME_STATUS_5XX] = injected;
    r->mark_count = marks;
    r->server.comparable = true;
    r->server.killed = killed;
    r->server.worker_deaths = deaths;
    struct demo_check c = demo_check_faults(faults, count, false, r);
    free(tally);
    free(r);
    return c;
}

START_TEST(several_deadly_kinds_are_one_sum)
{
    static const struct injection faults[] = {{.kind = "segv", .share = 0.1},
                                              {.kind = "abort", .share = 0.05}};
    struct demo_check c = check_faults(faults, 2, 100, 0, 100, 100);
    ck_assert(c.asked && c.holds && !c.outside);
    ck_assert(!check_faults(faults, 2, 100, 0, 99, 99).holds);
}
END_TEST

START_TEST(each_worker_that_is_killed_is_a_death)
{
    static const struct injection faults[] = {
        {.kind = "kill-worker", .first_ns = 1, .level = FAULT_PROCESS}};
    struct demo_check c = check_faults(faults, 1, 0, 3, 1, 3);
    ck_assert(c.asked && c.outside && c.holds);
    ck_assert_uint_eq(c.kills, 3);
    ck_assert(check_faults(faults, 1, 0, 3, 0, 4).holds); /* it may lose others besides */
    ck_assert(!check_faults(faults, 1, 0, 3, 0, 2).holds);
}
END_TEST

START_TEST(of_other_mixtures_nothing_is_asked)
{
    static const struct injection faults[] = {
        {.kind = "segv", .share = 0.1},
        {.kind = "leak", .share = 0.1},
        {.kind = "kill-worker", .first_ns = 1, .level = FAULT_PROCESS}};
    ck_assert(!check_faults(faults, 0, 0, 0, 0, 0).asked);
    ck_assert(!check_faults(faults, 2, 9, 0, 0, 0).asked);
    ck_assert(!check_faults(faults, 3, 9, 1, 0, 0).asked);
    ck_assert(check_faults(faults, 1, 9, 0, 9, 9).asked);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("demo_check");
    TCase *tests = tcase_create("demo_check");
    tcase_add_test(tests, processes_must_agree_exactly);
    tcase_add_test(tests, less_those_whose_end_was_not_seen);
    tcase_add_test(tests, threads_die_together);
    tcase_add_test(tests, a_fault_that_found_no_connection_kills_nobody);
    tcase_add_test(tests, what_need_not_kill_is_bounded_only);
    tcase_add_test(tests, a_server_that_does_not_tell_proves_nothing);
    tcase_add_test(tests, several_deadly_kinds_are_one_sum);
    tcase_add_test(tests, each_worker_that_is_killed_is_a_death);
    tcase_add_test(tests, of_other_mixtures_nothing_is_asked);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
