/*
 * compare_html.c — a comparison as a page: the verdicts, what they rest on, and every round.
 *
 * The first subject is the one that the others stand beside. A subject has the same colour in all
 * diagrams.
 */
#include <math.h>
#include <string.h>

#include "../report/html.h"
#include "../report/page.h"
#include "../report/plot.h"
#include "../report/report_html.h"
#include "../report/sides.h"
#include "compare.h"
#include "compare_words.h"

_Static_assert((int)COMPARE_MAX <= (int)HTML_SUBJECTS, "each subject has its colour");

/* ── Words ─────────────────────────────────────────────────────────────────────────────────── */

static void say(FILE *out, bool beware, const char *sentence)
{
    if (beware)
        page_box(out, "doubt", "Beware", sentence);
    else
        html_element(out, "p", NULL, sentence);
}

/* "b, c and d beside a" */
static void make_title(const struct comparison *c, char text[SENTENCE_MAX])
{
    size_t used = 0, last = c->options->subject_count - 1;
    for (size_t i = 1; i <= last; i++)
        used += (size_t)snprintf(text + used, SENTENCE_MAX - used, "%s%s",
                                 i == 1 ? "" : (i == last ? " and " : ", "), c->subjects[i].name);
    snprintf(text + used, SENTENCE_MAX - used, " beside %s", c->subjects[0].name);
}

static void verdicts(FILE *out, const struct comparison *c)
{
    static const char *const kinds[] = {[VERDICT_UNKNOWN] = "doubt",
                                        [VERDICT_NOT_SHOWN] = "even",
                                        [VERDICT_FASTER] = "good",
                                        [VERDICT_SLOWER] = "bad",
                                        [VERDICT_MIXED] = "doubt"};
    char text[SENTENCE_MAX];
    for (size_t i = 1; i < c->options->subject_count; i++) {
        compare_overall(c, i, text);
        page_box(out, kinds[c->overall[i]], "Overall", text);
    }
}

/* ── Findings ──────────────────────────────────────────────────────────────────────────────── */

static void finding_row(struct html_table *t, enum figure f, const struct finding *finding)
{
    char text[SHORT_TEXT], high[SHORT_TEXT];
    html_cell(t, figure_name(f));
    if (finding->verdict == VERDICT_UNKNOWN) {
        for (unsigned i = 0; i < 4; i++)
            html_cell(t, "");
        html_cellf(t, "not known in enough rounds (%zu, and %d are needed)", finding->pairs,
                   STATS_MIN);
        return;
    }
    html_cell(t, figure_format(f, finding->base, text));
    html_cell(t, figure_format(f, finding->other, text));
    html_cell(t, ratio_format(finding->ratio.middle, text));
    html_cellf(t, "%s … %s", ratio_format(finding->ratio.low, text),
               ratio_format(finding->ratio.high, high));
    html_cell(t, verdict_name(finding->verdict));
}

static void findings(FILE *out, const struct comparison *c, size_t subject)
{
    const char *base = c->subjects[0].name, *other = c->subjects[subject].name;
    const struct html_column columns[] = {{"figure", false}, {base, true},       {other, true},
                                          {"ratio", true},   {"interval", true}, {"verdict", true}};
    const struct listener page = {say, out};
    struct html_table t;
    char heading[2 * COMPARE_NAME_SIZE + 16];
    snprintf(heading, sizeof heading, "%s beside %s", other, base);
    page_section(out, heading, NULL);
    html_table_open(&t, out, heading, columns, sizeof columns / sizeof columns[0]);
    for (unsigned f = 0; f < FIGURES; f++)
        finding_row(&t, (enum figure)f, &c->findings[subject][f]);
    html_table_close(&t);
    fputs("<div class=\"words\">\n", out);
    compare_tell_findings(&page, c, subject);
    fputs("</div>\n", out);
    page_section_end(out);
}

/* ── The intervals ─────────────────────────────────────────────────────────────────────────── */

static void interval_table(FILE *out, const void *data)
{
    static const struct html_column columns[] = {
        {"subject", false}, {"figure", false}, {"from", true}, {"ratio", true}, {"to", true}};
    const struct comparison *c = data;
    struct html_table t;
    char text[SHORT_TEXT];
    html_table_open(&t, out, "Ratios and their intervals", columns,
                    sizeof columns / sizeof columns[0]);
    for (size_t i = 1; i < c->options->subject_count; i++) {
        for (unsigned f = 0; f < FIGURES; f++) {
            const struct finding *finding = &c->findings[i][f];
            if (finding->verdict == VERDICT_UNKNOWN)
                continue;
            html_cell(&t, c->subjects[i].name);
            html_cell(&t, figure_name((enum figure)f));
            html_cell(&t, ratio_format(finding->ratio.low, text));
            html_cell(&t, ratio_format(finding->ratio.middle, text));
            html_cell(&t, ratio_format(finding->ratio.high, text));
        }
    }
    html_table_close(&t);
}

/* Widens least … most to all intervals, of wide ones to no more than FAR times the middle, lest they
 * squeeze the others to nothing. False when there is none. */
static bool interval_range(const struct comparison *c, double *least, double *most)
{
    enum { FAR = 10 };
    bool any = false;
    for (size_t i = 1; i < c->options->subject_count; i++) {
        for (unsigned f = 0; f < FIGURES; f++) {
            const struct finding *finding = &c->findings[i][f];
            if (finding->verdict == VERDICT_UNKNOWN)
                continue;
            any = true;
            *least = fmin(*least, fmax(finding->ratio.low, finding->ratio.middle / FAR));
            *most = fmax(*most, fmin(finding->ratio.high, finding->ratio.middle * FAR));
        }
    }
    return any;
}

/* A row for each figure, from top to bottom in their order. */
static void axis_figures(struct axis *a)
{
    static const char *const labels[] = {[FIGURE_RPS] = "req/s",
                                         [FIGURE_CPU] = "CPU/req",
                                         [FIGURE_P50] = "p50",
                                         [FIGURE_P99] = "p99"}; /* short: beside a narrow plot */
    *a = (struct axis){.from = 0.5, .to = FIGURES + 0.5, .count = FIGURES};
    for (unsigned f = 0; f < FIGURES; f++) {
        a->ticks[f].at = FIGURES - f;
        snprintf(a->ticks[f].label, AXIS_LABEL, "%s", labels[f]);
    }
}

/* Within the row of a figure, each subject has a line of its own. */
static double height(const struct comparison *c, size_t subject, unsigned f)
{
    double others = (double)c->options->subject_count - 1;
    return FIGURES - f + 0.7 * (0.5 - ((double)subject - 0.5) / others);
}

static void draw_intervals(struct plot *p, const struct comparison *c)
{
    for (size_t i = 1; i < c->options->subject_count; i++) {
        struct plot_series *s = plot_add_series(p, c->subjects[i].name, PLOT_SERIES + (unsigned)i);
        for (unsigned f = 0; f < FIGURES; f++) {
            const struct finding *finding = &c->findings[i][f];
            double y = height(c, i, f);
            if (finding->verdict == VERDICT_UNKNOWN)
                continue;
            plot_add_point(p, s, fmax(finding->ratio.low, p->x.from), y);
            plot_add_point(p, s, fmin(finding->ratio.high, p->x.to), y);
            plot_add_point(p, s, 1, (double)NAN);
            plot_add_point(p, s, finding->ratio.middle, y);
            plot_add_point(p, s, 1, (double)NAN);
        }
    }
}

static void intervals(FILE *out, const struct comparison *c)
{
    double least = 1, most = 1;
    struct plot p;
    if (!interval_range(c, &least, &most))
        return;
    page_section(
        out, "How sure that is",
        "Each ratio to the first subject with its interval, on a logarithmic scale. An "
        "interval that holds 1 shows no difference; one that meets the edge goes on beyond "
        "it. To the right is more: of requests/s that is better, of the others worse.");
    plot_init(&p, "The ratios and their intervals");
    axis_ratios(&p.x, least, most);
    axis_figures(&p.y);
    plot_add_mark(&p, 1, "the same", PLOT_INK);
    draw_intervals(&p, c);
    page_figure(out, &p, interval_table, c);
    page_section_end(out);
    plot_free(&p);
}

/* ── Round by round ────────────────────────────────────────────────────────────────────────── */

struct story {
    const struct comparison *c;
    enum figure figure;
};

/* Why the figures of a round are less than they seem: "old not used, new generator-limited". */
static void remark(const struct comparison *c, size_t round, char text[SENTENCE_MAX])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < c->options->subject_count; i++) {
        const struct round *r = &c->subjects[i].rounds[round];
        if (r->invalid || r->limited)
            used += (size_t)snprintf(text + used, SENTENCE_MAX - used, "%s%s %s", used ? ", " : "",
                                     c->subjects[i].name,
                                     r->invalid ? "not used" : "generator-limited");
    }
}

static double begin_of(const struct comparison *c, size_t round)
{
    double first = NAN;
    for (size_t i = 0; i < c->options->subject_count; i++)
        first = fmin(first, c->subjects[i].rounds[round].at_s);
    return first;
}

static void round_table(FILE *out, const void *data)
{
    const struct story *s = data;
    const struct comparison *c = s->c;
    size_t count = c->options->subject_count;
    struct html_column columns[COMPARE_MAX + 2] = {{"round", false}};
    struct html_table t;
    char text[SENTENCE_MAX];
    for (size_t i = 0; i < count; i++)
        columns[1 + i] = (struct html_column){c->subjects[i].name, true};
    columns[1 + count] = (struct html_column){"", false};
    html_table_open(&t, out, figure_name(s->figure), columns, count + 2);
    for (size_t k = 0; k < c->rounds_done; k++) {
        html_cellf(&t, "%zu, at %.2f s", k + 1, begin_of(c, k));
        for (size_t i = 0; i < count; i++)
            html_cell(&t,
                      figure_format(s->figure, c->subjects[i].rounds[k].figures[s->figure], text));
        remark(c, k, text);
        html_cell(&t, text);
    }
    html_table_close(&t);
}

/* A dot in the middle of each turn that is used; returns when the last one ended. */
static double draw_rounds(struct plot *p, const struct story *s, double *least, double *most)
{
    double end = 0;
    for (size_t i = 0; i < s->c->options->subject_count; i++) {
        const struct compare_subject *subject = &s->c->subjects[i];
        struct plot_series *dots = plot_add_series(p, subject->name, PLOT_SERIES + (unsigned)i);
        for (size_t k = 0; k < s->c->rounds_done; k++) {
            const struct round *r = &subject->rounds[k];
            double value = r->figures[s->figure];
            end = fmax(end, r->at_s + r->seconds);
            if (r->invalid || !(value > 0))
                continue;
            plot_add_point(p, dots, r->at_s + r->seconds / 2, value);
            plot_add_point(p, dots, 0, (double)NAN);
            *least = fmin(*least, value);
            *most = fmax(*most, value);
        }
    }
    return end;
}

static void tell_story(FILE *out, const struct comparison *c, enum figure f, const char *heading,
                       const char *explanation)
{
    const struct story story = {c, f};
    struct plot p;
    double least = NAN, most = NAN;
    plot_init(&p, heading);
    double end = draw_rounds(&p, &story, &least, &most);
    page_section(out, heading, explanation);
    if (most > 0) {
        axis_seconds(&p.x, end, 8);
        if (f == FIGURE_RPS)
            axis_counts(&p.y, most, 5);
        else
            axis_latency(&p.y, least, most);
        page_figure(out, &p, round_table, &story);
    } else {
        html_element(out, "p", "nothing", "It is not known in any round.");
    }
    page_section_end(out);
    plot_free(&p);
}

static void stories(FILE *out, const struct comparison *c)
{
    static const struct {
        enum figure figure;
        const char *heading, *explanation;
    } all[] = {{FIGURE_RPS, "Requests per second, round by round",
                "Answered well. Each dot is one turn, at the moment at which it took place: what "
                "moves the dots of all subjects is the machine, what parts them is the servers."},
               {FIGURE_CPU, "CPU time per request, round by round",
                "Of the server, all its processes together. The scale is logarithmic."},
               {FIGURE_P50, "Median latency, round by round",
                "Counted from when requests were due. The scale is logarithmic."},
               {FIGURE_P99, "p99 latency, round by round",
                "Counted from when requests were due. The scale is logarithmic."}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tell_story(out, c, all[i].figure, all[i].heading, all[i].explanation);
}

/* ── All rounds together ───────────────────────────────────────────────────────────────────── */

static void all_together(FILE *out, const struct comparison *c)
{
    const struct listener page = {say, out};
    struct side sides[COMPARE_MAX];
    size_t count = c->options->subject_count;
    for (size_t i = 0; i < count; i++) {
        const struct tally *total = c->subjects[i].total;
        sides[i] = (struct side){c->subjects[i].name, &total->corrected, &total->ledger};
    }
    page_section(out, "Latency by percentile",
                 "Of all rounds together, counted from when requests were due. A stall that is "
                 "rarer than the rounds moves no median; it shows here, at the right.");
    sides_percentiles(out, sides, count);
    fputs("<div class=\"words\">\n", out);
    compare_tell_rest(&page, c);
    fputs("</div>\n", out);
    page_section_end(out);
    page_section(out, "The ledgers",
                 "Each request that was scheduled in the rounds ended in exactly one line.");
    sides_ledgers(out, "The ledgers", sides, count);
    page_section_end(out);
}

/* ── How ───────────────────────────────────────────────────────────────────────────────────── */

static void subjects(FILE *out, const struct comparison *c)
{
    static const struct html_column columns[] = {
        {"subject", false}, {"URL, and the server whose CPU time was read", false}};
    struct html_table t;
    char text[SENTENCE_MAX];
    html_table_open(&t, out, "The subjects", columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < c->options->subject_count; i++) {
        const struct compare_subject *s = &c->subjects[i];
        html_cell(&t, s->name);
        if (s->server.pid > 0)
            snprintf(text, sizeof text, "%s, process %d and below", s->server.command,
                     (int)s->server.pid);
        else
            snprintf(text, sizeof text, "CPU unknown: %s", s->server_unknown.text);
        html_cell_pair(&t, s->url, text);
    }
    html_table_close(&t);
}

static void method(FILE *out, const struct comparison *c)
{
    const struct listener page = {say, out};
    page_section(out, "How they were compared", NULL);
    html_element(
        out, "p", NULL,
        "In each round every subject has one short turn, in an order that the seed draws "
        "anew, so that whatever else happens on the machine happens to all alike. The "
        "ratio is taken within the round, and what lasts longer than a round cancels out.");
    compare_tell_method(&page, c);
    html_element(
        out, "p", NULL,
        "The intervals are bootstrapped from a trimmed mean of the rounds' logarithms. "
        "\"No difference shown\" is no proof that there is none: it may be as large as the "
        "interval reaches.");
    subjects(out, c);
    page_section_end(out);
}

void compare_html(FILE *out, const struct comparison *c)
{
    const struct listener page = {say, out};
    char title[SENTENCE_MAX], subtitle[SENTENCE_MAX];
    make_title(c, title);
    compare_describe(c, subtitle);
    page_open(out, "Servers in turns", title, subtitle);
    verdicts(out, c);
    compare_tell_warnings(&page, c);
    for (size_t i = 1; i < c->options->subject_count; i++)
        findings(out, c, i);
    intervals(out, c);
    stories(out, c);
    all_together(out, c);
    method(out, c);
    page_provenance(out, c->command, c->started, c->options->load.seed);
    page_close(out);
}
