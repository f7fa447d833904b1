/*
 * The page and the CSV of a comparison whose rounds are made up, without gnuplot: everything that
 * the terminal says is there, and nothing from outside is more than text. How it looks is for
 * tests/loadtest/test_page.py.
 */
#include "loadtest/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

enum { ROUNDS = 12 };

static struct compare_options options;

static void fill(struct compare_subject *s, struct rng *rng, double slower)
{
    s->total = calloc(1, sizeof *s->total);
    s->rounds = calloc(ROUNDS, sizeof *s->rounds);
    ck_assert(s->total && s->rounds);
    for (size_t k = 0; k < ROUNDS; k++) {
        struct round *r = &s->rounds[k];
        *r = (struct round){.at_s = (double)k, .seconds = 0.25, .ok = 1000};
        for (unsigned f = 0; f < FIGURES; f++)
            r->figures[f] = (100 + rng_unit(rng)) * (f == FIGURE_RPS ? 1 / slower : slower);
        r->figures[FIGURE_CPU] = NAN;
        hist_add_us(&s->total->corrected, 4711);
    }
    s->total->ledger.ended[INNOCENT][OUTCOME_OK] = 12345;
    snprintf(s->server_unknown.text, sizeof s->server_unknown.text, "not <permitted>");
}

/* Subjects of which each is `slower` times as slow as the one before it. */
static struct comparison *made_up(size_t subjects, double slower)
{
    static const char *const names[COMPARE_MAX] = {"old&1", "new<b>", "third", "4",
                                                   "5",     "6",      "7",     "8"};
    struct comparison *c = calloc(1, sizeof *c);
    struct rng rng;
    ck_assert_ptr_nonnull(c);
    compare_options_default(&options);
    options.subject_count = subjects;
    options.rounds = ROUNDS;
    c->options = &options;
    c->command = "loadtest compare -H '<script>alert(1)</script>'";
    c->rounds_done = ROUNDS;
    rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < subjects; i++) {
        c->subjects[i].name = names[i];
        c->subjects[i].url = "http://h/<i>?a&b=\"";
        fill(&c->subjects[i], &rng, pow(slower, (double)i));
    }
    comparison_conclude(c);
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

static char *written(const struct comparison *c, void (*write)(FILE *, const struct comparison *))
{
    char *text;
    size_t length;
    ck_assert_int_eq(setenv("PATH", "/nonexistent", 1), 0);
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    write(out, c);
    fclose(out);
    ck_assert_uint_eq(strlen(text), length);
    return text;
}

static void expect(const char *text, const char *words)
{
    ck_assert_msg(strstr(text, words) != NULL, "the page lacks: %s", words);
}

static void expect_no(const char *text, const char *words)
{
    ck_assert_msg(strstr(text, words) == NULL, "the page has: %s", words);
}

START_TEST(a_page_says_what_the_terminal_says)
{
    static const char *const present[] = {
        "<h1>new&lt;b&gt; beside old&amp;1</h1>",
        "<strong>Overall</strong>\n<span>new&lt;b&gt; is slower than old&amp;1.</span>",
        "<div class=\"verdict bad\">",
        "new&lt;b&gt; answers fewer requests per second: by ",
        "not known in enough rounds (0, and 6 are needed)", /* CPU/request */
        "It is not known in any round.",
        "gnuplot is not installed",
        "<details open>",
        "<td>12, at 11.00 s</td>",
        "<td class=\"n\">12,345</td>",
        "<td class=\"n\">4.71 ms</td>",
        "CPU unknown: not &lt;permitted&gt;",
        "http://h/&lt;i&gt;?a&amp;b=&quot;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "Ratios are taken within each round",
        "<dt>CPU</dt>",
        "</html>\n"};
    static const char *const absent[] = {"<script",     "<b>&",   "<i>?", "new<b>",
                                         "<permitted>", "Beware", "nan",  "inf ",
                                         "<svg",        "src=",   "url(", "@import"};
    struct comparison *c = made_up(2, 1.2);
    char *text = written(c, compare_html);
    for (size_t i = 0; i < sizeof present / sizeof present[0]; i++)
        expect(text, present[i]);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        expect_no(text, absent[i]);
    free(text);
    discard(c);
}
END_TEST

START_TEST(the_same_is_neither_good_nor_bad)
{
    struct comparison *c = made_up(2, 1);
    char *text = written(c, compare_html);
    expect(text, "<div class=\"verdict even\">");
    expect(text, "<span>no difference shown between old&amp;1 and new&lt;b&gt;.</span>");
    expect_no(text, "class=\"verdict bad\"");
    expect_no(text, "class=\"verdict good\"");
    free(text);
    discard(c);
}
END_TEST

START_TEST(warnings_stand_before_the_findings)
{
    struct comparison *c = made_up(2, 1.2);
    c->subjects[0].limited = 4;
    c->subjects[1].rounds[2].limited = true;
    c->subjects[1].rounds[3].invalid = "a test";
    c->subjects[1].invalid = 1;
    c->subjects[1].total->ledger.ended[INNOCENT][OUTCOME_RESET] = 800;
    for (size_t k = 0; k < ROUNDS; k++)
        c->subjects[0].rounds[k].ok = 50;
    comparison_conclude(c);
    char *text = written(c, compare_html);
    char *first = strstr(text, "<section>");
    ck_assert_ptr_nonnull(first);
    expect(first, "new&lt;b&gt; generator-limited");
    expect(first, "new&lt;b&gt; not used");
    *first = '\0';
    expect(text, "generator-limited: in 4 of 12 rounds of old&amp;1");
    expect(text, "1 round of new&lt;b&gt; was not used");
    expect(text, "do not fail the same share");
    expect(text, "a round of old&amp;1 has 50 requests only");
    free(text);
    discard(c);
}
END_TEST

/* Few rounds that are unlike each other allow to say nothing, in words and not in digits. */
START_TEST(an_interval_without_end_is_no_number)
{
    struct comparison *c = made_up(2, 1);
    c->rounds_done = STATS_MIN;
    for (size_t k = 0; k < STATS_MIN; k++)
        c->subjects[1].rounds[k].figures[FIGURE_P99] *= k % 2 ? 50 : 1;
    comparison_conclude(c);
    ck_assert_double_gt(c->findings[1][FIGURE_P99].ratio.high, 999);
    char *page = written(c, compare_html), *report = written(c, compare_report);
    expect(page, "&gt; 999");
    expect(page, "No difference shown in p99: the rounds are too few, or too unlike.");
    expect(report, "> 999");
    expect(report, "No difference shown in p99: the rounds are too few, or too unlike.");
    free(report);
    free(page);
    discard(c);
}
END_TEST

START_TEST(as_many_subjects_as_there_may_be)
{
    struct comparison *c = made_up(COMPARE_MAX, 1.1);
    char *text = written(c, compare_html);
    expect(text, "<h1>new&lt;b&gt;, third, 4, 5, 6, 7 and 8 beside old&amp;1</h1>");
    expect(text, "<h2>8 beside old&amp;1</h2>");
    expect(text, "<span>8 is slower than old&amp;1.</span>");
    expect(text, "</html>\n");
    free(text);
    discard(c);
}
END_TEST

START_TEST(a_row_for_each_round_and_subject)
{
    static const char head[] = "round,subject,at_s,seconds,rps,server_cpu_us_per_request,p50_us,"
                               "p99_us,ok,failed,generator_limited,used\n";
    struct comparison *c = made_up(2, 1.2);
    c->subjects[1].name = "new";
    c->subjects[1].rounds[1] = (struct round){
        1.5, 0.25, {250, NAN, 40.5, 1e6}, .ok = 50, .failed = 3, .limited = true, .invalid = "x"};
    char *text = written(c, compare_csv);
    size_t lines = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 1 + 2 * ROUNDS);
    ck_assert_int_eq(strncmp(text, head, sizeof head - 1), 0);
    expect(text, "\n2,new,1.500000,0.250000,250,,40.5,1000000,50,3,1,0\n");
    free(text);
    discard(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare_html");
    TCase *tests = tcase_create("compare_html");
    tcase_add_test(tests, a_page_says_what_the_terminal_says);
    tcase_add_test(tests, the_same_is_neither_good_nor_bad);
    tcase_add_test(tests, warnings_stand_before_the_findings);
    tcase_add_test(tests, an_interval_without_end_is_no_number);
    tcase_add_test(tests, as_many_subjects_as_there_may_be);
    tcase_add_test(tests, a_row_for_each_round_and_subject);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
