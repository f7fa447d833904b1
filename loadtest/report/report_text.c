/*
 * report_text.c — the result for a person: numbers first, each with the words it needs, in 80
 * columns.
 */
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "../engine/mischief.h"
#include "../units.h"
#include "wrap.h"

static void due(char *text, size_t room, const struct result *r)
{
    int n = r->rate > 0 ? snprintf(text, room, ", %.6g requests due per second", r->rate) : 0;
    if (r->rate > 0 && schedule_varies(&r->schedule))
        n += snprintf(text + n, room - (size_t)n, " on average, in %zu stage%s",
                      r->schedule.stage_count, r->schedule.stage_count == 1 ? "" : "s");
    if (r->rate > 0 && r->schedule.poisson)
        n += snprintf(text + n, room - (size_t)n, ", at random moments");
    text[n] = '\0';
}

void report_plan(char *text, size_t room, const struct result *r)
{
    char rate[160], depth[48] = "";
    if (r->depth > 1)
        snprintf(depth, sizeof depth, ", %u requests in flight on each", r->depth);
    due(rate, sizeof rate, r);
    snprintf(text, room, "%s loop, %u connection%s, %u thread%s%s%s, %.2f s%s",
             r->rate > 0 ? "open" : "closed", r->connections, r->connections == 1 ? "" : "s",
             r->threads, r->threads == 1 ? "" : "s", depth, rate, r->facts.seconds,
             r->facts.stopped_early ? " (stopped early)" : "");
}

static void headline(FILE *out, const struct result *r)
{
    char ok[SHORT_TEXT], rps[SHORT_TEXT], bytes[SHORT_TEXT], line[PARAGRAPH_MAX];
    if (r->scenario)
        fprintf(out, "%s\n", r->scenario);
    report_plan(line, sizeof line, r);
    wrap(out, line, 0, 2);
    fputc('\n', out);
    paragraph(
        out, "%s answered well: %s per second, %s per second",
        format_count(ledger_class(&r->tally->ledger, OUTCOME_OK), ok),
        format_count((uint64_t)(r->rps + 0.5), rps),
        format_bytes(r->facts.seconds > 0 ? (double)r->tally->bytes / r->facts.seconds : 0, bytes));
}

/* `sign` is put before each value. */
static void latency_row(FILE *out, const char *name, const struct hist *h, const char *sign,
                        const char *meaning)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 1};
    if (h->total == 0)
        return;
    fprintf(out, "  %-11s", name);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        char value[SHORT_TEXT], text[SHORT_TEXT + 4];
        snprintf(text, sizeof text, "%s%s", sign,
                 format_us((double)hist_quantile_us(h, quantiles[i]), value));
        fprintf(out, "%*s%s", 9 - wrap_width(text), "", text);
    }
    fprintf(out, "  %s\n", meaning);
}

/* Successes; then what failed and what was still waiting, which are series of their own; then what
 * we added ourselves. */
static void latencies(FILE *out, const struct result *r)
{
    const struct tally *t = r->tally;
    fprintf(out, "\n  latency          p50      p90      p99    p99.9      max\n");
    latency_row(out, "corrected", &t->corrected, "", "since it was due");
    latency_row(out, "raw", &t->raw, "", "since it was sent");
    latency_row(out, "first byte", &t->first_byte, "", "since it was sent");
    latency_row(out, "connect", &t->connect, "", "until it was open");
    latency_row(out, "full TLS", &t->full.took, "", "of that, handshakes");
    latency_row(out, "resumed TLS", &t->resumed.took, "", "of that, handshakes");
    latency_row(out, "failed", &t->failed, "", "until the failure");
    latency_row(out, "waiting", &t->censored, "≥", "no answer at the end");
    if (r->rate > 0)
        latency_row(out, "slip", &t->slip, "", "our own delay");
}

static void ledger_line(FILE *out, const char *name, uint64_t innocent, uint64_t injected,
                        const char *meaning)
{
    char a[SHORT_TEXT], b[SHORT_TEXT];
    if (innocent + injected == 0)
        return;
    fprintf(out, "  %-15s%13s%11s  ", name, format_count(innocent, a), format_count(injected, b));
    wrap(out, meaning, 43, 43);
}

static void ledger(FILE *out, const struct ledger *l)
{
    char n[SHORT_TEXT];
    fprintf(out, "\n  %-15s%13s%11s\n", "ledger", "innocent", "injected");
    for (unsigned o = 0; o < OUTCOMES; o++)
        ledger_line(out, outcome_name((enum outcome)o), l->ended[INNOCENT][o],
                    l->ended[INJECTED][o], outcome_meaning((enum outcome)o));
    ledger_line(out, "unfinished", l->unfinished[INNOCENT], l->unfinished[INJECTED],
                "sent, but no answer when the run was over");
    ledger_line(out, "never sent", l->never_sent - l->crowded_out, l->crowded_out,
                "due, but no connection was free in time");
    paragraph(out, "scheduled %s, and every one of them is in exactly one line above%s",
              format_count(l->scheduled, n), ledger_balances(l) ? "" : ": NO, THE SUM IS WRONG");
}

static void injected(FILE *out, const struct tally *t)
{
    char sent[SHORT_TEXT], answered[SHORT_TEXT], kept[SHORT_TEXT], lost[SHORT_TEXT];
    const struct injected_fate *f = &t->fate;
    uint64_t requests = t->ledger.started[INJECTED] - f->wire;
    if (requests + f->wire + t->ledger.crowded_out > 0)
        fputc('\n', out);
    if (requests > 0)
        paragraph(out,
                  "%s requests were injected faults: %s were answered 5xx on a connection that "
                  "stayed usable (%s answered 5xx in all; %s of them lost their connection)",
                  format_count(requests, sent), format_count(f->answered_5xx_kept, kept),
                  format_count(f->answered_500 + f->answered_503 + f->answered_504 +
                                   f->answered_other_5xx,
                               answered),
                  format_count(f->connection_lost, lost));
    if (f->wire > 0)
        paragraph(out,
                  "%s wire faults, each on a connection of its own: the column \"injected\" tells "
                  "how they ended",
                  format_count(f->wire, sent));
    if (t->ledger.crowded_out > 0)
        paragraph(out, "%s more were never sent: each thread has %d under way at most",
                  format_count(t->ledger.crowded_out, lost), GANG_SIZE);
}

static void tls(FILE *out, const struct result *r)
{
    const struct tally *t = r->tally;
    char n[SHORT_TEXT], resumed[SHORT_TEXT];
    if (tally_handshakes(t) + (t->tls.first_failure[0] != '\0') > 0)
        fputc('\n', out);
    if (tally_handshakes(t) > 0)
        paragraph(out, "TLS: %s handshakes, %s of them resumed a session; the first agreed on %s",
                  format_count(tally_handshakes(t), n),
                  format_count(t->resumed.took.total, resumed), t->tls.agreed);
    if (t->full.in_time + t->resumed.in_time > 0)
        paragraph(out, "TLS: %s full and %s resumed handshakes per second, while it was measured",
                  format_count((uint64_t)(r->full_rate + 0.5), n),
                  format_count((uint64_t)(r->resumed_rate + 0.5), resumed));
    if (t->tls.first_failure[0] != '\0')
        paragraph(out, "TLS: the first failure was: %s", t->tls.first_failure);
}

static void victims(FILE *out, const struct result *r)
{
    const struct victims *v = &r->victims;
    char total[SHORT_TEXT], failed[SHORT_TEXT], slow[SHORT_TEXT], limit[SHORT_TEXT];
    char more[256], less[80] = "";
    if (v->threshold_us > 0)
        snprintf(more, sizeof more, ", %s took or waited longer than %s (ten times the p99 of %s)",
                 format_count(v->slow + v->waiting, slow),
                 format_us((double)v->threshold_us, limit),
                 r->steady.source ? r->steady.source : "a steady run");
    else
        snprintf(more, sizeof more,
                 " (with --warmup or --steady-p99, slow ones would count as well)");
    if (v->allowance > 0)
        snprintf(less, sizeof less, ", less %" PRIu64 " that a steady run had as well",
                 v->allowance);
    fputc('\n', out);
    paragraph(out, "victims %s: %s innocent requests failed%s%s", format_count(v->total, total),
              format_count(v->failed, failed), more, less);
    paragraph(out, "%.2f s without service: nobody was answered well, in steps of %.0f ms",
              r->without_service_s, r->resolution_s * 1e3);
}

static void verdict(FILE *out, const struct result *r, const struct expectation *expectations,
                    size_t count)
{
    char backlog[SHORT_TEXT];
    fputc('\n', out);
    paragraph(out, "generator: busiest thread %.0f %% of a CPU%s%s", r->facts.cpu_percent,
              r->limited ? "; " : "", r->limited ? r->limited_why : "");
    if (r->facts.backlog > 0)
        paragraph(out, "backlog: up to %s requests were due and waited for a free connection",
                  format_count(r->facts.backlog, backlog));
    for (size_t i = 0; i < count; i++) {
        double measured;
        char text[SHORT_TEXT];
        bool held = expectation_holds(&expectations[i], r, &measured);
        paragraph(out, "expect %s: %s (%s)", expectations[i].text, held ? "held" : "FAILED",
                  expectation_format(&expectations[i], measured, text));
    }
    if (r->invalid)
        paragraph(out, "INVALID: %s", r->invalid);
}

void report_text(FILE *out, const struct result *r, const struct expectation *expectations,
                 size_t expectation_count)
{
    headline(out, r);
    latencies(out, r);
    ledger(out, &r->tally->ledger);
    injected(out, r->tally);
    tls(out, r);
    victims(out, r);
    recovery_text(out, r);
    server_text(out, r);
    verdict(out, r, expectations, expectation_count);
}
