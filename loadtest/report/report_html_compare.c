/*
 * report_html_compare.c — several subjects on one page: each diagram has one line for each of them.
 *
 *   time axis:  │ run 0 (steady) │ run 1 (1 % segv) │ …      run k of every subject at one place
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../units.h"
#include "history.h"
#include "html.h"
#include "page.h"
#include "plot.h"
#include "report_html.h"
#include "sides.h"

static size_t most_runs(const struct html_comparison *c)
{
    size_t most = 0;
    for (size_t i = 0; i < c->subject_count; i++)
        if (c->subjects[i].run_count > most)
            most = c->subjects[i].run_count;
    return most;
}

/* Run `k` of a subject; NULL when it has none. */
static const struct result *result_of(const struct html_subject *s, size_t k)
{
    return k < s->run_count ? s->runs[k].result : NULL;
}

/* What run `k` is, of whoever has it. */
static const char *phase_of(const struct html_comparison *c, size_t k)
{
    for (size_t i = 0; i < c->subject_count; i++)
        if (k < c->subjects[i].run_count)
            return c->subjects[i].runs[k].phase;
    return "";
}

/* As long as its longest member. */
static double length_of(const struct html_comparison *c, size_t k)
{
    double length = 0;
    for (size_t i = 0; i < c->subject_count; i++) {
        const struct result *r = result_of(&c->subjects[i], k);
        length = r ? fmax(length, r->facts.seconds) : length;
    }
    return length;
}

/* Whether run `k` is the first of its kind. */
static bool is_first(const struct html_comparison *c, size_t k)
{
    for (size_t j = 0; j < k; j++)
        if (strcmp(phase_of(c, j), phase_of(c, k)) == 0)
            return false;
    return true;
}

/* ── Words ─────────────────────────────────────────────────────────────────────────────────── */

static void verdicts(FILE *out, const struct html_comparison *c)
{
    size_t runs = 0, doubts = 0;
    uint64_t requests = 0;
    for (size_t i = 0; i < c->subject_count; i++) {
        for (size_t k = 0; k < c->subjects[i].run_count; k++) {
            char who[128];
            const struct result *r = result_of(&c->subjects[i], k);
            if (!r)
                continue;
            runs++;
            requests += r->tally->ledger.scheduled;
            if (!r->invalid && !r->limited)
                continue;
            doubts++;
            snprintf(who, sizeof who, "%s, %s", c->subjects[i].name, phase_of(c, k));
            page_verdict(out, who, r);
        }
        if (c->subjects[i].trouble && c->subjects[i].trouble[0]) {
            doubts++;
            html_elementf(out, "p", "missing", "Not measured: %s: %s", c->subjects[i].name,
                          c->subjects[i].trouble);
        }
    }
    if (doubts == 0)
        page_verdict_all(out, runs, requests);
}

/* The words of a terminal as paragraphs: a line that is not indented is a heading, one that is
 * indented by less than four spaces begins with a capital and a new paragraph, any other goes on. */
static void findings(FILE *out, const char *text)
{
    bool in_section = false, in_paragraph = false;
    while (*text) {
        size_t length = strcspn(text, "\n"), indent = strspn(text, " ");
        char line[512];
        snprintf(line, sizeof line, "%.*s", (int)(length - (indent < length ? indent : length)),
                 text + indent);
        bool starts = indent == 0 || (indent < 4 && line[0] >= 'A' && line[0] <= 'Z');
        if (length > 0 && in_paragraph && starts) {
            fputs("</p>\n", out);
            in_paragraph = false;
        }
        if (length > 0 && indent == 0) {
            if (in_section)
                page_section_end(out);
            page_section(out, line, NULL);
            in_section = true;
        } else if (length > 0) {
            fputs(in_paragraph ? " " : "<p>", out);
            in_paragraph = true;
            html_text(out, line);
        }
        text += length + (text[length] == '\n');
    }
    if (in_paragraph)
        fputs("</p>\n", out);
    if (in_section)
        page_section_end(out);
}

static void grid(FILE *out, const struct html_grid *g)
{
    struct html_column columns[16];
    struct html_table t;
    size_t count = g->columns < 16 ? g->columns : 16;
    for (size_t i = 0; i < count; i++)
        columns[i] = (struct html_column){g->heads[i], i > 0};
    page_section(out, g->heading, NULL);
    html_table_open(&t, out, g->heading, columns, count);
    for (size_t row = 0; row < g->row_count; row++)
        for (size_t i = 0; i < count; i++)
            html_cell(&t, g->cells[row * g->columns + i]);
    html_table_close(&t);
    if (g->explanation)
        html_element(out, "p", "note", g->explanation);
    page_section_end(out);
}

/* ── Over time ─────────────────────────────────────────────────────────────────────────────── */

struct story {
    const struct html_comparison *c;
    enum row_value value;
    const char *heading, *explanation;
};

static void value_cell(struct html_table *t, double value, enum row_value what)
{
    char text[SHORT_TEXT];
    if (!isfinite(value))
        html_cell(t, "");
    else if (what >= ROW_P50)
        html_cell(t, format_us(value, text));
    else
        html_cell(t, format_count((uint64_t)(value + 0.5), text));
}

static void story_table(FILE *out, const void *data)
{
    const struct story *s = data;
    struct html_column columns[1 + HTML_SUBJECTS] = {{"second", false}};
    struct html_table t;
    for (size_t i = 0; i < s->c->subject_count; i++)
        columns[1 + i] = (struct html_column){s->c->subjects[i].name, true};
    html_table_open(&t, out, s->heading, columns, 1 + s->c->subject_count);
    for (size_t k = 0; k < most_runs(s->c); k++) {
        size_t steps = 0;
        unsigned seconds = 1;
        for (size_t i = 0; i < s->c->subject_count; i++) {
            const struct result *r = result_of(&s->c->subjects[i], k);
            if (!r || history_steps(r) <= steps)
                continue;
            steps = history_steps(r);
            seconds = history_step_seconds(r);
        }
        for (size_t step = 0; step < steps; step++) {
            html_cellf(&t, "%s, %zu", phase_of(s->c, k), step * seconds);
            for (size_t i = 0; i < s->c->subject_count; i++) {
                const struct result *r = result_of(&s->c->subjects[i], k);
                bool there = r && step < history_steps(r);
                value_cell(&t, there ? history_value(r, step, s->value) : (double)NAN, s->value);
            }
        }
    }
    html_table_close(&t);
}

/* Each run in its place; the lines of one subject do not go on from one run to the next. */
static void draw_runs(struct plot *p, const struct story *s)
{
    const struct html_comparison *c = s->c;
    struct plot_series *series[HTML_SUBJECTS];
    double offset = 0;
    for (size_t i = 0; i < c->subject_count; i++)
        series[i] = plot_add_series(p, c->subjects[i].name, PLOT_SERIES + (unsigned)i);
    for (size_t k = 0; k < most_runs(c); k++) {
        plot_add_mark(p, offset, phase_of(c, k), PLOT_INK);
        for (size_t i = 0; i < c->subject_count; i++) {
            const struct result *r = result_of(&c->subjects[i], k);
            if (!r)
                continue;
            history_draw(p, series[i], r, offset, s->value);
            plot_add_point(p, series[i], offset, (double)NAN);
            history_faults(p, r, offset);
        }
        offset += length_of(c, k);
    }
}

static void tell_story(FILE *out, const struct story *s)
{
    double least = NAN, most = NAN, length = 0;
    struct plot p;
    for (size_t k = 0; k < most_runs(s->c); k++) {
        length += length_of(s->c, k);
        for (size_t i = 0; i < s->c->subject_count; i++)
            if (result_of(&s->c->subjects[i], k))
                history_range(result_of(&s->c->subjects[i], k), s->value, &least, &most);
    }
    page_section(out, s->heading, s->explanation);
    if (!(most > 0)) {
        html_element(out, "p", "nothing", "There was none, in any run.");
    } else {
        plot_init(&p, s->heading);
        axis_seconds(&p.x, length, 8);
        if (s->value >= ROW_P50)
            axis_latency(&p.y, least, most);
        else
            axis_counts(&p.y, most, 5);
        draw_runs(&p, s);
        page_figure(out, &p, story_table, s);
        plot_free(&p);
    }
    page_section_end(out);
}

/* ── All runs of one kind together ─────────────────────────────────────────────────────────── */

/* What a page says of them. */
struct sum {
    struct hist latency;
    struct ledger ledger;
};

static void gather(const struct html_subject *s, const char *phase, struct sum *sum)
{
    for (size_t k = 0; k < s->run_count; k++) {
        if (!s->runs[k].result || strcmp(s->runs[k].phase, phase) != 0)
            continue;
        hist_merge(&sum->latency, &s->runs[k].result->tally->corrected);
        ledger_merge(&sum->ledger, &s->runs[k].result->tally->ledger);
    }
}

/* Hands on what all subjects have of one kind. */
static void one_phase(FILE *out, const struct html_comparison *c, const char *phase,
                      void (*tell)(FILE *out, const char *phase, const struct side *sides,
                                   size_t count))
{
    struct side sides[HTML_SUBJECTS];
    struct sum *sums = calloc(c->subject_count, sizeof *sums);
    if (!sums) {
        html_element(out, "p", "missing", "Out of memory.");
        return;
    }
    for (size_t i = 0; i < c->subject_count; i++) {
        gather(&c->subjects[i], phase, &sums[i]);
        sides[i] = (struct side){c->subjects[i].name, &sums[i].latency, &sums[i].ledger};
    }
    tell(out, phase, sides, c->subject_count);
    free(sums);
}

static void distribution(FILE *out, const char *phase, const struct side *sides, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any |= sides[i].latency->total > 0;
    if (any)
        html_element(out, "h3", NULL, phase);
    sides_percentiles(out, sides, count);
}

static void ledgers(FILE *out, const char *phase, const struct side *sides, size_t count)
{
    html_element(out, "h3", NULL, phase);
    sides_ledgers(out, phase, sides, count);
}

static const struct result *any_result(const struct html_comparison *c)
{
    for (size_t i = 0; i < c->subject_count; i++)
        for (size_t k = 0; k < c->subjects[i].run_count; k++)
            if (c->subjects[i].runs[k].result)
                return c->subjects[i].runs[k].result;
    return NULL;
}

static void each_phase(FILE *out, const struct html_comparison *c,
                       void (*tell)(FILE *out, const char *phase, const struct side *sides,
                                    size_t count))
{
    for (size_t k = 0; k < most_runs(c); k++)
        if (is_first(c, k))
            one_phase(out, c, phase_of(c, k), tell);
}

/* Verdict, tables, words, diagrams. */
static void body(FILE *out, const struct html_comparison *c)
{
    const struct story stories[] = {
        {c, ROW_OK, "Throughput over time",
         "Innocent requests that were answered well, per second. The runs followed one another on "
         "the same machine; here they lie on one time axis."},
        {c, ROW_P99, "Latency over time",
         "The 99th percentile of each second, counted from when requests were due."},
        {c, ROW_FAILED, "Failures over time", "Innocent requests that failed, per second."}};
    verdicts(out, c);
    for (size_t i = 0; i < c->grid_count; i++)
        grid(out, &c->grids[i]);
    if (c->findings)
        findings(out, c->findings);
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        tell_story(out, &stories[i]);
    page_section(out, "Latency by percentile",
                 "Of the innocent requests answered well, counted from when they were due.");
    each_phase(out, c, distribution);
    page_section_end(out);
    page_section(out, "The ledgers",
                 "Each request that was scheduled ended in exactly one line. Where there are two "
                 "numbers, the second counts the injected ones.");
    each_phase(out, c, ledgers);
    page_section_end(out);
}

/* The runs of a page are of one command; when none came about, there is nothing to say. */
static void provenance(FILE *out, const struct result *any)
{
    if (any)
        page_provenance(out, any->command, any->started, any->seed);
}

void report_html_compare(FILE *out, const struct html_comparison *c)
{
    const struct result *any = any_result(c);
    page_open(out, "Load test, side by side", c->title, c->subtitle);
    body(out, c);
    provenance(out, any);
    page_close(out);
}

void report_html_collection(FILE *out, const struct html_collection *c)
{
    const struct result *any = NULL;
    page_open(out, "Load test, side by side", c->title, c->subtitle);
    for (size_t i = 0; i < c->part_count; i++) {
        page_part(out, c->parts[i].title, c->parts[i].subtitle);
        body(out, &c->parts[i]);
        any = any ? any : any_result(&c->parts[i]);
    }
    page_section(out, "What the columns say", NULL);
    html_element(out, "p", NULL, c->legend);
    page_section_end(out);
    provenance(out, any);
    page_close(out);
}
