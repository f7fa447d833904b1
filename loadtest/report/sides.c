/*
 * sides.c — see sides.h.
 */
#include "sides.h"

#include <math.h>

#include "../units.h"
#include "history.h"
#include "html.h"
#include "page.h"
#include "plot.h"
#include "report_html.h"

/* ── By percentile ─────────────────────────────────────────────────────────────────────────── */

struct percentiles {
    const struct side *sides;
    size_t count;
};

static void percentile_table(FILE *out, const void *data)
{
    static const double shares[] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};
    static const char *const heads[] = {"50 %", "75 %",   "90 %",    "95 %",
                                        "99 %", "99.9 %", "99.99 %", "slowest"};
    enum { SHARES = sizeof shares / sizeof shares[0] };
    const struct percentiles *d = data;
    struct html_column columns[1 + SHARES] = {{"subject", false}};
    struct html_table t;
    char text[SHORT_TEXT];
    for (size_t i = 0; i < SHARES; i++)
        columns[1 + i] = (struct html_column){heads[i], true};
    html_table_open(&t, out, "Latency by percentile", columns, 1 + SHARES);
    for (size_t i = 0; i < d->count; i++) {
        const struct hist *h = d->sides[i].latency;
        html_cell(&t, d->sides[i].name);
        for (size_t k = 0; k < SHARES; k++)
            html_cell(&t,
                      h->total == 0 ? "" : format_us((double)hist_quantile_us(h, shares[k]), text));
    }
    html_table_close(&t);
}

void sides_percentiles(FILE *out, const struct side *sides, size_t count)
{
    const struct percentiles data = {sides, count};
    struct plot p;
    double least = NAN, most = NAN, total = 0;
    plot_init(&p, "Latency by percentile");
    for (size_t i = 0; i < count; i++) {
        const struct hist *h = sides[i].latency;
        if (h->total == 0)
            continue;
        least = fmin(least, (double)hist_quantile_us(h, 0));
        most = fmax(most, (double)h->max_us);
        total = fmax(total, (double)h->total);
        history_percentiles(&p, plot_add_series(&p, sides[i].name, PLOT_SERIES + (unsigned)i), h);
    }
    if (total > 0) {
        axis_latency(&p.y, least, most);
        axis_percentiles(&p.x, total);
        page_figure(out, &p, percentile_table, &data);
    }
    plot_free(&p);
}

/* ── The ledgers ───────────────────────────────────────────────────────────────────────────── */

/* Requests of one outcome; OUTCOMES: of none, since they never ended. */
static uint64_t ended(const struct ledger *l, enum party who, unsigned o)
{
    if (o < OUTCOMES)
        return l->ended[who][o];
    return l->unfinished[who] + (who == INNOCENT ? l->never_sent - l->crowded_out : l->crowded_out);
}

static bool any_ended(const struct side *sides, size_t count, unsigned o)
{
    for (size_t i = 0; i < count; i++)
        if (ended(sides[i].ledger, INNOCENT, o) + ended(sides[i].ledger, INJECTED, o) > 0)
            return true;
    return false;
}

void sides_ledgers(FILE *out, const char *label, const struct side *sides, size_t count)
{
    struct html_column columns[1 + HTML_SUBJECTS] = {{"how it ended", false}};
    struct html_table t;
    char a[SHORT_TEXT], b[SHORT_TEXT];
    for (size_t i = 0; i < count; i++)
        columns[1 + i] = (struct html_column){sides[i].name, true};
    html_table_open(&t, out, label, columns, 1 + count);
    for (unsigned o = 0; o <= OUTCOMES; o++) {
        if (!any_ended(sides, count, o))
            continue;
        html_cell_pair(&t, o < OUTCOMES ? outcome_name((enum outcome)o) : "unfinished",
                       o < OUTCOMES ? outcome_meaning((enum outcome)o)
                                    : "no answer when the run was over, or never sent");
        for (size_t i = 0; i < count; i++) {
            uint64_t injected = ended(sides[i].ledger, INJECTED, o);
            format_count(ended(sides[i].ledger, INNOCENT, o), a);
            if (injected > 0)
                html_cellf(&t, "%s + %s", a, format_count(injected, b));
            else
                html_cell(&t, a);
        }
    }
    html_table_close(&t);
}
