/*
 * report_html.c — one run as a page: the verdict, the figures one asks for first, then each of them
 * at length, with the words it needs.
 */
#include "report_html.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "../units.h"
#include "history.h"
#include "html.h"
#include "page.h"
#include "plot.h"
#include "report.h"
#include "report_html_parts.h"
#include "wrap.h"

static void head(FILE *out, const struct result *r, const char *target)
{
    char plan[PARAGRAPH_MAX], line[2 * PARAGRAPH_MAX];
    report_plan(plan, sizeof plan, r);
    if (r->scenario)
        snprintf(line, sizeof line, "%s: %s", target, plan);
    else
        snprintf(line, sizeof line, "%c%s", toupper((unsigned char)plan[0]), plan + 1);
    page_open(out, "Load test", r->scenario ? r->scenario : target, line);
}

static void expectations(FILE *out, const struct result *r, const struct expectation *e,
                         size_t count)
{
    if (count == 0)
        return;
    fputs("<ul class=\"expectations\">\n", out);
    for (size_t i = 0; i < count; i++) {
        double measured;
        char text[SHORT_TEXT];
        bool held = expectation_holds(&e[i], r, &measured);
        fprintf(out, "<li class=\"%s\"><b>%s</b> ", held ? "held" : "failed",
                held ? "Held" : "Failed");
        html_element(out, "code", NULL, e[i].text);
        html_elementf(out, "span", NULL, "measured: %s", expectation_format(&e[i], measured, text));
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

/* ── The figures one asks for first ────────────────────────────────────────────────────────── */

static void tile(FILE *out, const char *label, const char *value, const char *note)
{
    fputs("<div class=\"tile\">", out);
    html_element(out, "p", "label", label);
    html_element(out, "p", "value", value);
    html_element(out, "p", "note", note);
    fputs("</div>\n", out);
}

static void latency_tile(FILE *out, const struct result *r, double q, const char *label)
{
    char value[SHORT_TEXT], raw[SHORT_TEXT], note[80];
    const struct tally *t = r->tally;
    if (t->corrected.total == 0) {
        tile(out, label, "–", "nobody was answered well");
        return;
    }
    snprintf(note, sizeof note, "from when it was due; raw %s",
             format_us((double)hist_quantile_us(&t->raw, q), raw));
    tile(out, label, format_us((double)hist_quantile_us(&t->corrected, q), value), note);
}

static void share_tile(FILE *out, const struct ledger *l)
{
    char value[SHORT_TEXT], note[80], n[SHORT_TEXT];
    uint64_t innocent = l->started[INNOCENT] + l->never_sent;
    uint64_t failed = innocent - l->ended[INNOCENT][OUTCOME_OK];
    double share = innocent ? 100.0 * (double)(innocent - failed) / (double)innocent : 0;
    /* Never rounded up to 100 %: that is said of a run in which nothing failed. */
    if (failed > 0 && share > 99.999)
        share = 99.999;
    snprintf(value, sizeof value, failed > 0 ? "%.3f %%" : "%.0f %%", share);
    snprintf(note, sizeof note, "of the innocent; %s were not", format_count(failed, n));
    tile(out, "Answered well", value, note);
}

static void victims_tile(FILE *out, const struct victims *v)
{
    char value[SHORT_TEXT], note[128], a[SHORT_TEXT], b[SHORT_TEXT];
    if (v->threshold_us > 0)
        snprintf(note, sizeof note, "%s failed, %s were slow or still waiting",
                 format_count(v->failed, a), format_count(v->slow + v->waiting, b));
    else
        snprintf(note, sizeof note, "failed; slow ones need a steady run to tell by");
    tile(out, "Victims", format_count(v->total, value), note);
}

static void recovery_tiles(FILE *out, const struct result *r)
{
    const struct recovery *c = &r->recovery;
    char value[SHORT_TEXT], note[128];
    if (c->known) {
        snprintf(value, sizeof value, "%s%.2f s", c->complete ? "" : "> ", c->seconds);
        tile(out, "Recovery", value, "the longest, after a fault");
    }
    if (c->goodput_known) {
        snprintf(note, sizeof note, "answers that %.80s would have had", steady_name(r));
        tile(out, "Goodput lost", format_count((uint64_t)(c->goodput_lost + 0.5), value), note);
    }
}

static void tiles(FILE *out, const struct result *r)
{
    char value[SHORT_TEXT], note[80];
    fputs("<div class=\"tiles\">\n", out);
    tile(out, "Throughput", format_count((uint64_t)(r->rps + 0.5), value),
         "answered well per second");
    latency_tile(out, r, 0.5, "Median latency");
    latency_tile(out, r, 0.99, "p99 latency");
    share_tile(out, &r->tally->ledger);
    victims_tile(out, &r->victims);
    snprintf(value, sizeof value, "%.2f s", r->without_service_s);
    snprintf(note, sizeof note, "nobody was answered, in steps of %.0f ms", r->resolution_s * 1e3);
    tile(out, "Without service", value, note);
    recovery_tiles(out, r);
    fputs("</div>\n", out);
}

/* ── Over time ─────────────────────────────────────────────────────────────────────────────── */

/* Empty where nobody was answered. */
static void latency_cell(struct html_table *t, const struct result *r, size_t i, int64_t us)
{
    char text[SHORT_TEXT];
    html_cell(t, history_row(r, i).ok > 0 ? format_us((double)us, text) : "");
}

/* What was done in step `i`: "kill at 3.00 s, segv at 3.50 s". */
static void name_marks(const struct result *r, size_t i, char *text, size_t room)
{
    size_t used = 0, count = r->mark_count < MAX_MARKS ? r->mark_count : MAX_MARKS;
    double length = history_step_seconds(r), start = (double)i * length, end = start + length;
    text[0] = '\0';
    for (size_t k = 0; k < count && used < room; k++) {
        double at = (double)r->marks[k].at_ns / 1e9;
        if (at < start || at >= end)
            continue;
        int n = snprintf(text + used, room - used, "%s%s at %.2f s", used ? ", " : "",
                         r->marks[k].kind, at);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* ── The rows of the timeline as tables; each diagram shows the columns it draws. */

static void cell_due(struct html_table *t, const struct result *r, size_t i)
{
    html_cellf(t, "%.6g", history_value(r, i, ROW_DUE) > 0 ? history_value(r, i, ROW_DUE) : 0);
}

static void cell_ok(struct html_table *t, const struct result *r, size_t i)
{
    html_cell_count(t, history_row(r, i).ok);
}

static void cell_failed(struct html_table *t, const struct result *r, size_t i)
{
    html_cell_count(t, history_row(r, i).failed);
}

static void cell_injected(struct html_table *t, const struct result *r, size_t i)
{
    html_cell_count(t, history_row(r, i).injected);
}

static void cell_p50(struct html_table *t, const struct result *r, size_t i)
{
    latency_cell(t, r, i, history_row(r, i).p50_us);
}

static void cell_p99(struct html_table *t, const struct result *r, size_t i)
{
    latency_cell(t, r, i, history_row(r, i).p99_us);
}

static void cell_max(struct html_table *t, const struct result *r, size_t i)
{
    latency_cell(t, r, i, history_row(r, i).max_us);
}

static void cell_marks(struct html_table *t, const struct result *r, size_t i)
{
    char marks[512];
    name_marks(r, i, marks, sizeof marks);
    html_cell(t, marks);
}

struct row_column {
    struct html_column head;
    void (*cell)(struct html_table *t, const struct result *r, size_t i);
};

enum { ROW_COLUMNS = 5 }; /* at most */

static void timeline_table(FILE *out, const struct result *r, const struct row_column *columns,
                           size_t count)
{
    struct html_column heads[1 + ROW_COLUMNS] = {{"second", false}};
    struct html_table t;
    for (size_t k = 0; k < count; k++)
        heads[1 + k] = columns[k].head;
    html_table_open(&t, out, "Second by second", heads, 1 + count);
    size_t length = history_step_seconds(r);
    for (size_t i = 0; i < history_steps(r); i++) {
        bool after = (double)(i * length) >= r->facts.seconds;
        html_cellf(&t, "%zu%s", i * length, after ? " (after the end)" : "");
        for (size_t k = 0; k < count; k++)
            columns[k].cell(&t, r, i);
    }
    html_table_close(&t);
    if (length > 1)
        html_elementf(out, "p", "note",
                      "Each line, and each step above, is about %zu s: counts are sums here and "
                      "averages above, latencies are those of the worst second.",
                      length);
}

/* The first is known in the open loop only. */
static void counts_table(FILE *out, const void *data)
{
    static const struct row_column columns[ROW_COLUMNS] = {
        {{"due per second", true}, cell_due},
        {{"answered well", true}, cell_ok},
        {{"failed", true}, cell_failed},
        {{"injected", true}, cell_injected},
        {{"done on purpose", false}, cell_marks}};
    const struct result *r = data;
    size_t first = r->rate > 0 ? 0 : 1;
    timeline_table(out, r, columns + first, ROW_COLUMNS - first);
}

static void latency_table(FILE *out, const void *data)
{
    static const struct row_column columns[] = {{{"p50", true}, cell_p50},
                                                {{"p99", true}, cell_p99},
                                                {{"slowest", true}, cell_max},
                                                {{"answered well", true}, cell_ok}};
    timeline_table(out, data, columns, sizeof columns / sizeof columns[0]);
}

/* Over the answers, so thin that both are seen. */
static void draw_due(struct plot *p, const struct result *r)
{
    struct plot_series *due = plot_add_series(p, "due per second", PLOT_INK);
    due->thin = true;
    history_draw(p, due, r, 0, ROW_DUE);
}

static void throughput(FILE *out, const struct result *r)
{
    double least = NAN, most = NAN;
    struct plot p;
    plot_init(&p, "Requests answered well per second, over time");
    history_range(r, ROW_OK, &least, &most);
    if (r->rate > 0)
        history_range(r, ROW_DUE, &least, &most);
    axis_seconds(&p.x, r->facts.seconds, 8);
    axis_counts(&p.y, most, 5);
    struct plot_series *s = plot_add_series(&p, "answered well per second", PLOT_SERIES);
    s->filled = true;
    history_draw(&p, s, r, 0, ROW_OK);
    if (r->rate > 0)
        draw_due(&p, r);
    history_faults(&p, r, 0);
    page_section(out, "Throughput over time",
                 "Innocent requests that were answered well, per second.");
    page_figure(out, &p, counts_table, r);
    page_section_end(out);
    plot_free(&p);
}

static void latency_over_time(FILE *out, const struct result *r)
{
    static const struct {
        enum row_value value;
        const char *name;
    } lines[] = {{ROW_P50, "p50"}, {ROW_P99, "p99"}, {ROW_MAX, "slowest"}};
    double least = NAN, most = NAN;
    struct plot p;
    if (r->tally->corrected.total == 0)
        return;
    plot_init(&p, "Latency over time: median, 99th percentile and slowest of each second");
    history_range(r, ROW_P50, &least, &most);
    history_range(r, ROW_MAX, &least, &most);
    axis_seconds(&p.x, r->facts.seconds, 8);
    axis_latency(&p.y, least, most);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        history_draw(&p, plot_add_series(&p, lines[i].name, PLOT_SERIES + (unsigned)i), r, 0,
                     lines[i].value);
    history_faults(&p, r, 0);
    page_section(out, "Latency over time",
                 "Of the innocent requests answered well in each second, counted from when they "
                 "were due. The scale is logarithmic.");
    page_figure(out, &p, latency_table, r);
    page_section_end(out);
    plot_free(&p);
}

static void failures_over_time(FILE *out, const struct result *r)
{
    double least = NAN, most = NAN;
    struct plot p;
    page_section(out, "Failures over time",
                 "Innocent requests that failed, and injected ones that ended in whatever way, per "
                 "second.");
    history_range(r, ROW_FAILED, &least, &most);
    history_range(r, ROW_INJECTED, &least, &most);
    if (!(most > 0)) {
        html_element(out, "p", "nothing", "No request failed, and none was injected.");
        page_section_end(out);
        return;
    }
    plot_init(&p, "Failed and injected requests per second, over time");
    axis_seconds(&p.x, r->facts.seconds, 8);
    axis_counts(&p.y, most, 5);
    struct plot_series *failed = plot_add_series(&p, "failed", PLOT_FAIL);
    failed->filled = true;
    history_draw(&p, failed, r, 0, ROW_FAILED);
    if (r->tally->ledger.started[INJECTED] > 0)
        history_draw(&p, plot_add_series(&p, "injected", PLOT_FAULT), r, 0, ROW_INJECTED);
    history_faults(&p, r, 0);
    p.band_count = 0; /* the injected ones are drawn themselves here */
    page_figure(out, &p, counts_table, r);
    page_section_end(out);
    plot_free(&p);
}

/* ── By percentile ─────────────────────────────────────────────────────────────────────────── */

static void percentile_table(FILE *out, const void *data)
{
    static const struct html_column columns[] = {
        {"share", false},  {"corrected", true}, {"raw", true},          {"first byte", true},
        {"connect", true}, {"failed", true},    {"still waiting", true}};
    static const double shares[] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};
    const struct tally *tally = ((const struct result *)data)->tally;
    const struct hist *hists[] = {&tally->corrected, &tally->raw,    &tally->first_byte,
                                  &tally->connect,   &tally->failed, &tally->censored};
    struct html_table t;
    char text[SHORT_TEXT];
    html_table_open(&t, out, "Latency by percentile", columns, sizeof columns / sizeof columns[0]);
    html_cell(&t, "values");
    for (size_t k = 0; k < sizeof hists / sizeof hists[0]; k++)
        html_cell_count(&t, hists[k]->total);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        if (shares[i] < 1)
            html_cellf(&t, "%.6g %%", 100 * shares[i]);
        else
            html_cell(&t, "slowest");
        for (size_t k = 0; k < sizeof hists / sizeof hists[0]; k++) {
            if (hists[k]->total == 0)
                html_cell(&t, "");
            else /* how long they would have had to wait in the end is not known */
                html_cellf(&t, "%s%s", hists[k] == &tally->censored ? "≥ " : "",
                           format_us((double)hist_quantile_us(hists[k], shares[i]), text));
        }
    }
    html_table_close(&t);
    html_element(out, "p", "note",
                 "First byte: from sending to the first byte of the answer. Connect: until the "
                 "connection was open. Failed: until the failure. Still waiting: requests without "
                 "an answer when the run was over; they would have taken at least so long.");
}

static void distribution(FILE *out, const struct result *r)
{
    const struct tally *t = r->tally;
    struct plot p;
    page_section(out, "Latency by percentile",
                 "Corrected latency counts from when a request was due, raw latency from when it "
                 "was sent. Where the two part, requests had to wait for others before they could "
                 "be sent, which a tool that only looks at sending does not see.");
    plot_init(&p, "Latency by percentile, corrected and raw");
    double least = (double)hist_quantile_us(&t->raw, 0);
    axis_latency(
        &p.y, least,
        (double)(t->corrected.max_us > t->raw.max_us ? t->corrected.max_us : t->raw.max_us));
    axis_percentiles(&p.x, (double)t->corrected.total);
    struct plot_series *raw = plot_add_series(&p, "raw", PLOT_SERIES + 1);
    raw->dashed = true;
    history_percentiles(&p, raw, &t->raw);
    history_percentiles(&p, plot_add_series(&p, "corrected", PLOT_SERIES), &t->corrected);
    if (t->corrected.total > 0)
        page_figure(out, &p, percentile_table, r);
    else
        percentile_table(out, r);
    page_section_end(out);
    plot_free(&p);
}

/* ── The ledger ────────────────────────────────────────────────────────────────────────────── */

static void ledger_row(struct html_table *t, const char *name, const char *meaning,
                       uint64_t innocent, uint64_t injected)
{
    html_cell_pair(t, name, meaning);
    html_cell_count(t, innocent);
    html_cell_count(t, injected);
}

static void ledger(FILE *out, const struct ledger *l)
{
    static const struct html_column columns[] = {
        {"how it ended", false}, {"innocent", true}, {"injected", true}};
    struct html_table t;
    char n[SHORT_TEXT];
    page_section(out, "The ledger", "Each request that was scheduled ended in exactly one line.");
    html_table_open(&t, out, "The ledger", columns, sizeof columns / sizeof columns[0]);
    for (unsigned o = 0; o < OUTCOMES; o++)
        ledger_row(&t, outcome_name((enum outcome)o), outcome_meaning((enum outcome)o),
                   l->ended[INNOCENT][o], l->ended[INJECTED][o]);
    ledger_row(&t, "unfinished", "sent, but no answer when the run was over",
               l->unfinished[INNOCENT], l->unfinished[INJECTED]);
    ledger_row(&t, "never sent", "due, but no connection was free in time",
               l->never_sent - l->crowded_out, l->crowded_out);
    html_table_close(&t);
    html_elementf(out, "p", ledger_balances(l) ? "sum" : "sum wrong",
                  ledger_balances(l) ? "Scheduled: %s. That is the sum of the lines above."
                                     : "Scheduled: %s. THE LINES ABOVE DO NOT ADD UP TO THAT.",
                  format_count(l->scheduled, n));
    page_section_end(out);
}

void report_html(FILE *out, const struct result *r, const char *target,
                 const struct expectation *expectation, size_t expectation_count)
{
    head(out, r, target);
    page_verdict(out, NULL, r);
    expectations(out, r, expectation, expectation_count);
    tiles(out, r);
    throughput(out, r);
    latency_over_time(out, r);
    failures_over_time(out, r);
    distribution(out, r);
    ledger(out, &r->tally->ledger);
    section_victims(out, r);
    section_recovery(out, r);
    section_server(out, r);
    section_tls(out, r);
    section_generator(out, r);
    page_provenance(out, r->command, r->started, r->seed);
    page_close(out);
}
