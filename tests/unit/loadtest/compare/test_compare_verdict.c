/*
 * From made-up rounds to findings, and what the report says of them.
 */
#include "loadtest/compare/compare.h"

#include "unit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20 };

static struct compare_options options;

/* Subjects whose rounds all hold `base`, a little scattered, each round in its own way. */
static struct comparison *made_up(size_t subjects)
{
    static const char *const names[] = {"old", "new", "third"};
    struct comparison *c = calloc(1, sizeof *c);
    struct rng rng;
    ck_assert_ptr_nonnull(c);
    compare_options_default(&options);
    options.subject_count = subjects;
    options.rounds = ROUNDS;
    c->options = &options;
    c->rounds_done = ROUNDS;
    rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < subjects; i++) {
        struct compare_subject *s = &c->subjects[i];
        s->name = names[i];
        s->url = "http://127.0.0.1:1/";
        s->total = calloc(1, sizeof *s->total);
        s->rounds = calloc(ROUNDS, sizeof *s->rounds);
        ck_assert(s->total && s->rounds);
        for (size_t k = 0; k < ROUNDS; k++) {
            s->rounds[k].ok = 1000;
            for (unsigned f = 0; f < FIGURES; f++)
                s->rounds[k].figures[f] = 100 + rng_unit(&rng);
        }
    }
    return c;
}

static void discard(struct comparison *c)
{
    for (size_t i = 0; i < c->options->subject_count; i++) {
        free(c->subjects[i].rounds);
        free(c->subjects[i].total);
    }
    free(c);
}

static void scale(struct comparison *c, size_t subject, enum figure f, double by)
{
    for (size_t k = 0; k < ROUNDS; k++)
        c->subjects[subject].rounds[k].figures[f] *= by;
}

static bool told(const struct comparison *c, const char *words)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    compare_report(out, c);
    fclose(out);
    bool found = strstr(text, words) != NULL;
    free(text);
    return found;
}

START_TEST(the_same)
{
    struct comparison *c = made_up(2);
    comparison_conclude(c);
    for (unsigned f = 0; f < FIGURES; f++)
        ck_assert_int_eq(c->findings[1][f].verdict, VERDICT_NOT_SHOWN);
    ck_assert_int_eq(c->overall[1], VERDICT_NOT_SHOWN);
    ck_assert_double_eq_tol(1 - c->confidence, (1 - COMPARE_CONFIDENCE) / 4,
                            1e-12); /* four questions share it */
    ck_assert(told(c, "Overall: no difference shown between old and new"));
    ck_assert(!told(c, "BEWARE"));
    discard(c);
}
END_TEST

START_TEST(more_is_better_of_one_figure_and_worse_of_the_others)
{
    struct comparison *c = made_up(3);
    scale(c, 1, FIGURE_RPS, 1.05);
    scale(c, 2, FIGURE_CPU, 1.05);
    comparison_conclude(c);
    ck_assert_int_eq(c->findings[1][FIGURE_RPS].verdict, VERDICT_FASTER);
    ck_assert_double_eq_tol(c->findings[1][FIGURE_RPS].ratio.middle, 1.05, 0.005);
    ck_assert_int_eq(c->overall[1], VERDICT_FASTER);
    ck_assert_int_eq(c->findings[2][FIGURE_CPU].verdict, VERDICT_SLOWER);
    ck_assert_int_eq(c->overall[2], VERDICT_SLOWER);
    ck_assert_double_eq_tol(1 - c->confidence, (1 - COMPARE_CONFIDENCE) / 8, 1e-12);
    ck_assert(told(c, "new answers more requests per second: by "));
    ck_assert(told(c, "third takes more CPU time per request: by "));
    discard(c);
}
END_TEST

START_TEST(mixed)
{
    struct comparison *c = made_up(2);
    scale(c, 1, FIGURE_RPS, 1.05);
    scale(c, 1, FIGURE_P99, 1.05);
    comparison_conclude(c);
    ck_assert_int_eq(c->overall[1], VERDICT_MIXED);
    discard(c);
}
END_TEST

START_TEST(invalid_and_unknown_rounds_are_left_out)
{
    struct comparison *c = made_up(2);
    for (size_t k = 0; k < ROUNDS; k++) {
        c->subjects[0].rounds[k].figures[FIGURE_CPU] = NAN;
        if (k < 3) {
            c->subjects[1].rounds[k].invalid = "a test";
            c->subjects[1].rounds[k].figures[FIGURE_RPS] = 1;
        }
        if (k == 5)
            c->subjects[0].rounds[k].figures[FIGURE_P50] = NAN;
    }
    c->subjects[1].invalid = 3;
    comparison_conclude(c);
    ck_assert_int_eq(c->findings[1][FIGURE_CPU].verdict, VERDICT_UNKNOWN);
    ck_assert_uint_eq(c->findings[1][FIGURE_RPS].pairs, ROUNDS - 3);
    ck_assert_uint_eq(c->findings[1][FIGURE_P50].pairs, ROUNDS - 4);
    ck_assert_int_eq(c->overall[1], VERDICT_NOT_SHOWN);
    ck_assert_double_eq_tol(1 - c->confidence, (1 - COMPARE_CONFIDENCE) / 3,
                            1e-12); /* three questions */
    ck_assert(told(c, "3 rounds of new were not used"));
    discard(c);
}
END_TEST

START_TEST(too_few_rounds_are_no_answer)
{
    struct comparison *c = made_up(2);
    c->rounds_done = STATS_MIN - 1;
    comparison_conclude(c);
    ck_assert_int_eq(c->overall[1], VERDICT_UNKNOWN);
    ck_assert(told(c, "Overall: unknown"));
    discard(c);
}
END_TEST

START_TEST(unequal_failures_are_told)
{
    struct comparison *c = made_up(2);
    for (size_t i = 0; i < 2; i++) {
        c->subjects[i].total->ledger.ended[INNOCENT][OUTCOME_OK] = 10000;
        c->subjects[i].total->ledger.ended[INNOCENT][OUTCOME_RESET] = 20 + i;
    }
    comparison_conclude(c);
    ck_assert(!c->unequal_failures[1]);
    ck_assert(told(c, "old failed 20 of 10,020, new failed 21 of 10,021.\n"));
    c->subjects[1].total->ledger.ended[INNOCENT][OUTCOME_STATUS_5XX] = 80;
    comparison_conclude(c);
    ck_assert(c->unequal_failures[1]);
    ck_assert(told(c, "BEWARE: old and new do not fail the same share"));
    discard(c);
}
END_TEST

START_TEST(a_busy_generator_and_thin_rounds_are_told)
{
    struct comparison *c = made_up(2);
    c->subjects[0].limited = 4;
    for (size_t k = 0; k < ROUNDS; k++)
        c->subjects[1].rounds[k].ok = 50;
    comparison_conclude(c);
    ck_assert(told(c, "generator-limited: in 4 of 20 rounds of old"));
    ck_assert(told(c, "BEWARE: a round of new has 50 requests only"));
    ck_assert(!told(c, "a round of old"));
    discard(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare_verdict");
    TCase *tests = tcase_create("compare_verdict");
    tcase_add_test(tests, the_same);
    tcase_add_test(tests, more_is_better_of_one_figure_and_worse_of_the_others);
    tcase_add_test(tests, mixed);
    tcase_add_test(tests, invalid_and_unknown_rounds_are_left_out);
    tcase_add_test(tests, too_few_rounds_are_no_answer);
    tcase_add_test(tests, unequal_failures_are_told);
    tcase_add_test(tests, a_busy_generator_and_thin_rounds_are_told);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
