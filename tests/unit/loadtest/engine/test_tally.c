/*
 * Which sample goes where: successes, failures and injected requests never mix.
 */
#include "loadtest/engine/tally.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>

#include "loadtest/units.h"

START_TEST(each_sample_has_its_place)
{
    struct tally *t = calloc(1, sizeof *t);
    ck_assert_ptr_nonnull(t);
    struct sample ok = {INNOCENT, OUTCOME_OK, 200,           false,
                        0,        NS_PER_MS,  2 * NS_PER_MS, 3 * NS_PER_MS};
    struct sample refused = {INNOCENT, OUTCOME_REFUSED, 0, false, 0, 0, 0, NS_PER_MS};
    struct sample crashed = {INJECTED, OUTCOME_STATUS_5XX, 500, false, 0, 0, 0, NS_PER_MS};
    struct sample killed = {INJECTED, OUTCOME_STATUS_5XX, 504, false, 0, 0, 0, NS_PER_MS};
    tally_add(t, &ok, INT64_MAX);
    tally_add(t, &ok, NS_PER_MS); /* answered after the end of the run */
    tally_add(t, &refused, INT64_MAX);
    tally_add(t, &crashed, INT64_MAX);
    tally_add(t, &killed, INT64_MAX);
    ck_assert_uint_eq(t->corrected.total, 2);
    ck_assert_int_eq(t->corrected.max_us, 3000);
    ck_assert_int_eq(t->raw.max_us, 2000);
    ck_assert_uint_eq(t->first_byte.total, 2);
    ck_assert_int_eq(t->first_byte.max_us, 1000);
    ck_assert_uint_eq(t->failed.total, 1);
    ck_assert_uint_eq(t->injected.total, 2);
    ck_assert_uint_eq(t->ok_in_time, 1);
    ck_assert_uint_eq(t->fate.answered_500, 1);
    ck_assert_uint_eq(t->fate.answered_504, 1);
    ck_assert_uint_eq(ledger_failed(&t->ledger, INNOCENT), 1);
    struct sample dripped = {INJECTED, OUTCOME_STATUS_5XX, 500, true, 0, 0, 0, NS_PER_MS};
    tally_add(t, &dripped, INT64_MAX);
    ck_assert_uint_eq(t->fate.answered_500, 1); /* a wire fault's answer is no obituary */
    free(t);
}
END_TEST

/* All of them have a length; handshakes per second are about the measured run. */
START_TEST(handshakes_within_the_run_and_around_it)
{
    struct tally *t = calloc(1, sizeof *t);
    ck_assert_ptr_nonnull(t);
    for (int64_t done = 1; done <= 5; done++)
        tally_add_handshake(t, &(struct handshake){false, 40 * NS_PER_US, done}, 2, 4);
    tally_add_handshake(t, &(struct handshake){true, 7 * NS_PER_US, 3}, 2, 4);
    ck_assert_uint_eq(t->full.took.total, 5);
    ck_assert_int_eq(t->full.took.max_us, 40);
    ck_assert_uint_eq(t->full.in_time, 3);
    ck_assert_uint_eq(t->resumed.took.total, 1);
    ck_assert_int_eq(t->resumed.took.max_us, 7);
    ck_assert_uint_eq(t->resumed.in_time, 1);
    ck_assert_uint_eq(tally_handshakes(t), 6);
    free(t);
}
END_TEST

START_TEST(what_threads_found_is_added_up)
{
    struct tally *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    ck_assert(a && b);
    hist_add_us(&b->connect, 70);
    hist_add_us(&b->first_byte, 90);
    b->ledger.crowded_out = 2;
    b->fate.wire = 3;
    hist_add_us(&b->full.took, 50);
    b->full.in_time = 1;
    hist_add_us(&b->resumed.took, 20);
    b->resumed.in_time = 1;
    b->tls = (struct tls_facts){.agreed = "x", .first_failure = "y"};
    a->tls = (struct tls_facts){.agreed = "first"};
    tally_merge(a, b);
    ck_assert_int_eq(a->connect.max_us, 70);
    ck_assert_int_eq(a->first_byte.max_us, 90);
    ck_assert_uint_eq(a->ledger.crowded_out, 2);
    ck_assert_uint_eq(a->fate.wire, 3);
    ck_assert_int_eq(a->full.took.max_us, 50);
    ck_assert_int_eq(a->resumed.took.max_us, 20);
    ck_assert_uint_eq(a->full.in_time, 1);
    ck_assert_uint_eq(a->resumed.in_time, 1);
    ck_assert_uint_eq(tally_handshakes(a), 2);
    ck_assert_str_eq(a->tls.agreed, "first");
    ck_assert_str_eq(a->tls.first_failure, "y");
    free(a);
    free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tally");
    TCase *tests = tcase_create("tally");
    tcase_add_test(tests, each_sample_has_its_place);
    tcase_add_test(tests, handshakes_within_the_run_and_around_it);
    tcase_add_test(tests, what_threads_found_is_added_up);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
