/*
 * The page of a run whose numbers are known, without gnuplot: every figure is in a table, and
 * nothing from outside is more than text. How it looks is for tests/loadtest/test_page.py.
 */
#include "loadtest/report/report_html.h"

#include <stdlib.h>
#include <string.h>

#include "loadtest/units.h"
#include "unit.h"

static void book(struct result *r, uint64_t n, enum outcome outcome, enum party party)
{
    r->tally->ledger.scheduled += n;
    r->tally->ledger.started[party] += n;
    r->tally->ledger.ended[party][outcome] += n;
}

static struct result *made_up(void)
{
    struct result *r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    r->tally = calloc(1, sizeof *r->tally);
    ck_assert_ptr_nonnull(r->tally);
    ck_assert(timeline_init(&r->timeline, 0));
    r->command = "loadtest run -H '<script>alert(1)</script>' \"x&y\"";
    r->seed = 4711;
    r->connections = r->threads = r->depth = 1;
    r->facts.seconds = 2;
    r->timeline.count = 2;
    r->timeline.rows[0] =
        (struct timeline_row){.ok = 1234, .p50_us = 40, .p99_us = 500, .max_us = 6000};
    r->timeline.rows[1] = (struct timeline_row){.failed = 77, .injected = 3};
    book(r, 1234, OUTCOME_OK, INNOCENT);
    book(r, 77, OUTCOME_TRUNCATED, INNOCENT);
    book(r, 3, OUTCOME_STATUS_5XX, INJECTED);
    r->tally->ok_in_time = 1234;
    for (int i = 0; i < 1234; i++) {
        hist_add_us(&r->tally->corrected, 40);
        hist_add_us(&r->tally->raw, 30);
    }
    hist_add_us(&r->tally->censored, 1500000);
    r->marks[0] = (struct mark){.at_ns = 1500 * NS_PER_MS, .kind = "kill"};
    r->mark_count = 1;
    r->steady = (struct steady){.p99_us = 100, .rps = 1234, .source = "a <test>"};
    r->recovery = (struct recovery){.known = true, .seconds = 0.5, .goodput_lost = 1100};
    result_conclude(r);
    return r;
}

static void discard(struct result *r)
{
    result_free(r);
    free(r);
}

static char *page_of(const struct result *r)
{
    char *text;
    size_t length;
    struct expectation expectation;
    struct complaint why;
    ck_assert(expectation_parse("p99 < 20ms", &expectation, &why));
    ck_assert_int_eq(setenv("PATH", "/nonexistent", 1), 0);
    FILE *out = open_memstream(&text, &length);
    report_html(out, r, "http://h/<b>?a&b=\"\xff", &expectation, 1);
    fclose(out);
    ck_assert_uint_eq(strlen(text), length);
    return text;
}

static const char *const present[] = {
    "<!DOCTYPE html>",
    "<h1>http://h/&lt;b&gt;?a&amp;b=&quot;&#xfffd;</h1>",
    "loadtest run -H &#39;&lt;script&gt;alert(1)&lt;/script&gt;&#39; &quot;x&amp;y&quot;",
    "<strong>Valid</strong>",
    "<b>Held</b> <code>p99 &lt; 20ms</code>",
    "measured: 40.0 µs",
    "<p class=\"value\">617</p>",         /* per second */
    "<p class=\"value\">94.127 %</p>",    /* of the innocent */
    "<p class=\"value\">&gt; 0.50 s</p>", /* no recovery within the run */
    "gnuplot is not installed",
    "<details open>",
    "kill at 1.50 s",
    "≥ 1.50 s", /* how long the censored ones would have taken is not known */
    "<td class=\"n\">77</td>",
    "Scheduled: 1,314. That is the sum of the lines above.",
    "a &lt;test&gt;",
    "<dd>4711</dd>",
    "<dt>CPU</dt>",
    "</html>\n"};

/* Nothing that could ask anybody for anything. */
static const char *const absent[] = {
    "<script", "<img", "<b>?", "src=", "url(", "@import", "http-equiv=\"refresh",
    "<svg",    "nan",  "inf ", "-nan"};

START_TEST(a_page_holds_every_figure)
{
    struct result *r = made_up();
    char *text = page_of(r);
    for (size_t i = 0; i < sizeof present / sizeof present[0]; i++)
        ck_assert_msg(strstr(text, present[i]) != NULL, "the page lacks: %s", present[i]);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        ck_assert_msg(strstr(text, absent[i]) == NULL, "the page has: %s", absent[i]);
    free(text);
    discard(r);
}
END_TEST

static void expect_all(const char *text, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "the page lacks: %s", lines[i]);
}

START_TEST(each_fault_has_its_recovery)
{
    static const char *const lines[] = {
        "<p class=\"label\">Recovery</p>\n<p class=\"value\">1.50 s</p>",
        "<p class=\"label\">Goodput lost</p>\n<p class=\"value\">1,100</p>",
        "1,100 answers that a &lt;test&gt; would have had",
        "<td>kill</td><td class=\"n\">1.500 s</td><td class=\"n\">0.250 s</td>",
        "<td>hang</td><td class=\"n\">1.600 s</td><td class=\"n\">the band was never left</td>",
        "<td>stop</td><td class=\"n\">1.700 s</td><td class=\"n\">not back</td>",
        "Delay to the slow and the waiting ones, beyond the steady p99: 3.00 s in all, 2.00 s"};
    struct result *r = made_up();
    r->marks[0].back_ns = 250 * NS_PER_MS;
    r->marks[1] = (struct mark){.at_ns = 1600 * NS_PER_MS, .kind = "hang"};
    r->marks[2] = (struct mark){.at_ns = 1700 * NS_PER_MS, .kind = "stop", .back_ns = -1};
    r->mark_count = 3;
    r->recovery = (struct recovery){.known = true,
                                    .complete = true,
                                    .seconds = 1.5,
                                    .resolution_s = 0.01,
                                    .goodput_known = true,
                                    .goodput_lost = 1100};
    r->victims.slow = 2;
    r->victims.delay_sum_us = 3e6;
    r->victims.delay_max_us = 2000000;
    char *text = page_of(r);
    expect_all(text, lines, sizeof lines / sizeof lines[0]);
    free(text);
    discard(r);
}
END_TEST

START_TEST(both_ends_are_heard)
{
    static const char *const lines[] = {
        "<h1>A &lt;scenario&gt;</h1>",
        "http://h/&lt;b&gt;?a&amp;b=&quot;&#xfffd;: open loop, 1 connection",
        "<th scope=\"col\" class=\"n\">due per second</th>",
        "<td>counted by the server</td><td class=\"n\">1,300</td>",
        "<td>ended by the server: segv</td><td class=\"n\">3</td>",
        "RECONCILED: NO. THE TWO DIFFER BY -14.",
        "CPU time per request: 2.00 µs",
        "The first handshake agreed on TLSv1.3, X.",
        "<td>in all</td><td class=\"n\">1</td><td class=\"n\">2</td>",
        "<td>per second, while it was measured</td><td class=\"n\">1,251</td>",
        "<td class=\"n\">1,251</td><td class=\"n zero\">0</td>",
        "<td>slowest</td><td class=\"n\">900 µs</td><td class=\"n\">300 µs</td>",
        "The first failure was: &lt;self-signed&gt;"};
    struct result *r = made_up();
    r->scenario = "A <scenario>";
    r->rate = 700;
    schedule_constant(&r->schedule, 700);
    r->server = (struct server_side){.asked = true,
                                     .comparable = true,
                                     .counted = 1300,
                                     .answered = 1314,
                                     .difference = -14,
                                     .cpu_s = 0.0026,
                                     .after = {.killed = {{"segv", 3}}, .causes = 1}};
    r->tally->tls = (struct tls_facts){"TLSv1.3, X", "<self-signed>"};
    hist_add_us(&r->tally->full.took, 900);
    hist_add_us(&r->tally->resumed.took, 300);
    hist_add_us(&r->tally->resumed.took, 300);
    r->full_rate = 1250.6;
    char *text = page_of(r);
    expect_all(text, lines, sizeof lines / sizeof lines[0]);
    free(text);
    discard(r);
}
END_TEST

START_TEST(every_class_of_the_ledger_has_its_meaning)
{
    struct result *r = made_up();
    char *text = page_of(r), row[256];
    for (unsigned o = 0; o < OUTCOMES; o++) {
        snprintf(row, sizeof row, "<td class=\"pair\"><b>%s</b>\n<small>%s</small>",
                 outcome_name((enum outcome)o), outcome_meaning((enum outcome)o));
        ck_assert_msg(strstr(text, row) != NULL, "the page lacks: %s", row);
    }
    free(text);
    discard(r);
}
END_TEST

START_TEST(what_is_invalid_is_said_first)
{
    struct result *r = made_up();
    r->invalid = "generator-limited: <why>";
    char *text = page_of(r);
    const char *verdict = strstr(text, "<strong>Invalid</strong>");
    ck_assert_ptr_nonnull(verdict);
    ck_assert_ptr_nonnull(strstr(verdict, "generator-limited: &lt;why&gt;"));
    ck_assert_ptr_nonnull(strstr(verdict, "class=\"tile\""));
    free(text);
    discard(r);
}
END_TEST

START_TEST(a_run_without_answers_has_a_page_too)
{
    struct result *r = made_up();
    memset(r->tally, 0, sizeof *r->tally);
    memset(r->timeline.rows, 0, 2 * sizeof *r->timeline.rows);
    r->timeline.count = 0;
    book(r, 10, OUTCOME_REFUSED, INNOCENT);
    result_conclude(r);
    char *text = page_of(r);
    ck_assert_ptr_nonnull(strstr(text, "nobody was answered well"));
    ck_assert_ptr_nonnull(strstr(text, "<p class=\"value\">0.000 %</p>"));
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_nonnull(strstr(text, "</html>\n"));
    free(text);
    discard(r);
}
END_TEST

static char *comparison_of(const struct html_comparison *c)
{
    char *text;
    size_t length;
    ck_assert_int_eq(setenv("PATH", "/nonexistent", 1), 0);
    FILE *out = open_memstream(&text, &length);
    report_html_compare(out, c);
    fclose(out);
    return text;
}

START_TEST(subjects_stand_side_by_side)
{
    struct result *r = made_up();
    const struct html_run a[] = {{"steady", r}, {"1 % <segv>", r}}, b[] = {{"steady", NULL}};
    const struct html_subject subjects[] = {{"A&A", NULL, a, 2}, {"B", "it <died>", b, 1}};
    static const char *const heads[] = {"who", "how much"};
    static const char *const cells[] = {"<A>", "1", "B", "2"};
    const struct html_grid grid = {"A grid", "explained & all", heads, 2, cells, 2};
    char *text = comparison_of(&(struct html_comparison){
        .title = "A < B",
        .subtitle = "sub",
        .findings = "\nWhat happened\n  First this,\n    and that.\n  Then\n  more.\n",
        .subjects = subjects,
        .subject_count = 2,
        .grids = &grid,
        .grid_count = 1});
    static const char *const lines[] = {
        "<h1>A &lt; B</h1>",
        "Not measured: B: it &lt;died&gt;",
        "<h2>What happened</h2>\n<p>First this, and that.</p>\n<p>Then more.</p>\n",
        "<td>&lt;A&gt;</td><td class=\"n\">1</td></tr>",
        "explained &amp; all",
        "<td>steady, 0</td><td class=\"n\">1,234</td><td class=\"n\"></td></tr>",
        "<td>1 % &lt;segv&gt;, 1</td><td class=\"n\">77</td><td class=\"n\"></td></tr>",
        "<h3>1 % &lt;segv&gt;</h3>",
        "</html>\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "the page lacks: %s", lines[i]);
    ck_assert_ptr_null(strstr(text, "<died>"));
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
    discard(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_html");
    TCase *tests = tcase_create("report_html");
    tcase_add_test(tests, a_page_holds_every_figure);
    tcase_add_test(tests, each_fault_has_its_recovery);
    tcase_add_test(tests, both_ends_are_heard);
    tcase_add_test(tests, every_class_of_the_ledger_has_its_meaning);
    tcase_add_test(tests, what_is_invalid_is_said_first);
    tcase_add_test(tests, a_run_without_answers_has_a_page_too);
    tcase_add_test(tests, subjects_stand_side_by_side);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
