/*
 * report_html_faults.c — who suffered from what was done on purpose, for how long, and until when.
 */
#include <inttypes.h>

#include "../engine/mischief.h"
#include "../units.h"
#include "html.h"
#include "page.h"
#include "report_html_parts.h"

enum { MARKS_TOLD = 60 /* the JSON has all that are kept */ };

const char *steady_name(const struct result *r)
{
    return r->steady.source ? r->steady.source : "a steady run";
}

static void injected(FILE *out, const struct tally *t)
{
    char sent[SHORT_TEXT], kept[SHORT_TEXT], answered[SHORT_TEXT], lost[SHORT_TEXT];
    const struct injected_fate *f = &t->fate;
    uint64_t requests = t->ledger.started[INJECTED] - f->wire;
    if (requests > 0)
        html_elementf(out, "p", NULL,
                      "Of the %s requests that were injected faults, %s were answered 5xx (%s of "
                      "them on a connection that stayed usable), and %s lost their connection.",
                      format_count(requests, sent),
                      format_count(f->answered_500 + f->answered_503 + f->answered_504 +
                                       f->answered_other_5xx,
                                   answered),
                      format_count(f->answered_5xx_kept, kept),
                      format_count(f->connection_lost, lost));
    if (f->wire > 0)
        html_elementf(out, "p", NULL,
                      "There were %s wire faults, each on a connection of its own; the ledger "
                      "tells how they ended.",
                      format_count(f->wire, sent));
    if (t->ledger.crowded_out > 0)
        html_elementf(out, "p", NULL,
                      "%s more were never sent: each thread has %d under way at most.",
                      format_count(t->ledger.crowded_out, lost), GANG_SIZE);
}

static void victims_table(FILE *out, const struct victims *v)
{
    static const struct html_column columns[] = {{"victims", false}, {"requests", true}};
    struct html_table t;
    char limit[SHORT_TEXT];
    html_table_open(&t, out, "Victims", columns, sizeof columns / sizeof columns[0]);
    html_cell(&t, "failed or were cut off");
    html_cell_count(&t, v->failed);
    if (v->threshold_us > 0) {
        html_cellf(&t, "took longer than %s", format_us((double)v->threshold_us, limit));
        html_cell_count(&t, v->slow);
        html_cellf(&t, "had been waiting for longer than %s when the run was over", limit);
        html_cell_count(&t, v->waiting);
    }
    html_cell(&t, "less what a steady run had");
    html_cellf(&t, "– %" PRIu64, v->allowance);
    html_cell(&t, "victims");
    html_cell_count(&t, v->total);
    html_table_close(&t);
}

void section_victims(FILE *out, const struct result *r)
{
    const struct victims *v = &r->victims;
    char sum[SHORT_TEXT], max[SHORT_TEXT];
    page_section(out, "Victims",
                 "Innocent requests – not themselves injected faults – that failed, were cut off, "
                 "or took longer than ten times the steady p99; less what a steady run of the same "
                 "length had of them.");
    injected(out, r->tally);
    victims_table(out, v);
    if (v->slow + v->waiting > 0)
        html_elementf(out, "p", "sum",
                      "Delay to the slow and the waiting ones, beyond the steady p99: %s in all, "
                      "%s at most.",
                      format_us(v->delay_sum_us, sum), format_us((double)v->delay_max_us, max));
    if (v->threshold_us > 0)
        html_elementf(out, "p", "note", "The steady p99 is that of %s.", steady_name(r));
    else
        html_element(out, "p", "note",
                     "There was no steady run to compare with (--warmup or --steady-p99), so no "
                     "request counts as slow.");
    page_section_end(out);
}

/* ── Recovery ──────────────────────────────────────────────────────────────────────────────── */

static void back_cell(struct html_table *t, const struct recovery *c, const struct mark *m)
{
    if (!c->known)
        html_cell(t, "");
    else if (m->back_ns < 0)
        html_cell(t, "not back");
    else if (m->back_ns == 0)
        html_cell(t, "the band was never left");
    else
        html_cellf(t, "%.3f s", (double)m->back_ns / 1e9);
}

static void marks_table(FILE *out, const struct result *r)
{
    static const struct html_column columns[] = {
        {"fault", false}, {"at", true}, {"back in band after", true}};
    struct html_table t;
    if (r->mark_count == 0)
        return;
    html_table_open(&t, out, "Faults by time table", columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < r->mark_count && i < MARKS_TOLD; i++) {
        html_cell(&t, r->marks[i].kind);
        html_cellf(&t, "%.3f s", (double)r->marks[i].at_ns / 1e9);
        back_cell(&t, &r->recovery, &r->marks[i]);
    }
    html_table_close(&t);
    if (r->mark_count > MARKS_TOLD)
        html_elementf(out, "p", "note", "… and %zu more.", r->mark_count - MARKS_TOLD);
}

static void band(FILE *out, const struct result *r)
{
    const struct recovery *c = &r->recovery;
    char limit[SHORT_TEXT];
    html_elementf(out, "p", "sum", "The longest took %s%.3f s.", c->complete ? "" : "at least ",
                  c->seconds);
    html_elementf(out, "p", "note",
                  "In band: at least half the rate of %s and 99 %% of its success, with a p99 of "
                  "at most %s. Back: from the first three steps of %.0f ms in a row that are in "
                  "band, if four in five of the second that begins there are, too. Not back: "
                  "not before the next fault, or the end of the run.",
                  steady_name(r), format_us((double)c->p99_limit_us, limit), c->resolution_s * 1e3);
}

void section_recovery(FILE *out, const struct result *r)
{
    const struct recovery *c = &r->recovery;
    char lost[SHORT_TEXT];
    if (r->mark_count == 0 && !c->goodput_known)
        return;
    page_section(out, "Recovery",
                 r->mark_count > 0 ? "How long it took after each fault until the service was back."
                                   : "Faults by share leave no undisturbed time to come back to.");
    if (c->goodput_known)
        html_elementf(out, "p", NULL,
                      "Goodput lost: %s answers that %s would have had, and this run had not%s.",
                      format_count((uint64_t)(c->goodput_lost + 0.5), lost), steady_name(r),
                      c->known ? " between the faults and the recovery" : "");
    marks_table(out, r);
    if (c->known)
        band(out, r);
    else if (r->mark_count > 0)
        html_element(out, "p", "note",
                     "There was no steady run to compare with (--warmup), so nobody knows when it "
                     "was back.");
    page_section_end(out);
}
