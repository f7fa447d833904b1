/*
 * report_text.c — the result for a person: numbers first, each with the words it needs.
 */
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "mischief.h"
#include "units.h"

static void headline(FILE *out, const struct result *r)
{
    char ok[SHORT_TEXT], rps[SHORT_TEXT], bytes[SHORT_TEXT];
    fprintf(out, "%s loop, %u connection%s, %u thread%s", r->rate > 0 ? "open" : "closed",
            r->connections, r->connections == 1 ? "" : "s", r->threads, r->threads == 1 ? "" : "s");
    if (r->depth > 1)
        fprintf(out, ", %u requests in flight on each", r->depth);
    if (r->rate > 0)
        fprintf(out, ", %.0f requests due per second", r->rate);
    fprintf(out, ", %.2f s%s\n\n", r->facts.seconds,
            r->facts.stopped_early ? " (stopped early)" : "");
    fprintf(
        out, "  %s answered well: %s per second, %s per second\n",
        format_count(ledger_class(&r->tally->ledger, OUTCOME_OK), ok),
        format_count((uint64_t)(r->rps + 0.5), rps),
        format_bytes(r->facts.seconds > 0 ? (double)r->tally->bytes / r->facts.seconds : 0, bytes));
}

static void latency_row(FILE *out, const char *name, const struct hist *h, const char *meaning)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 1};
    fprintf(out, "  %-10s", name);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        char text[SHORT_TEXT];
        format_us((double)hist_quantile_us(h, quantiles[i]), text);
        int width = 10 + (strstr(text, "µ") != NULL); /* µ takes two bytes and one column */
        fprintf(out, "%*s", width, text);
    }
    fprintf(out, "   %s\n", meaning);
}

static void latencies(FILE *out, const struct result *r)
{
    const struct tally *t = r->tally;
    fprintf(out, "\n  latency          p50       p90       p99     p99.9       max\n");
    if (t->corrected.total > 0) {
        latency_row(out, "corrected", &t->corrected, "from when the request was due");
        latency_row(out, "raw", &t->raw, "from when it was sent");
        latency_row(out, "first byte", &t->first_byte, "of the answer, from when it was sent");
    }
    if (t->failed.total > 0)
        latency_row(out, "failed", &t->failed, "until the failure; not part of the above");
    if (t->connect.total > 0)
        latency_row(out, "connect", &t->connect, "until a connection was open, warm-up included");
    if (r->rate > 0)
        latency_row(out, "slip", &t->slip, "sent later than possible: our own delay");
}

static void ledger_line(FILE *out, const char *name, uint64_t innocent, uint64_t injected,
                        const char *meaning)
{
    char a[SHORT_TEXT], b[SHORT_TEXT];
    if (innocent + injected == 0)
        return;
    fprintf(out, "  %-16s%14s%12s   %s\n", name, format_count(innocent, a),
            format_count(injected, b), meaning);
}

static void ledger(FILE *out, const struct ledger *l)
{
    char n[SHORT_TEXT];
    fprintf(out, "\n  %-16s%14s%12s\n", "ledger", "innocent", "injected");
    for (unsigned o = 0; o < OUTCOMES; o++)
        ledger_line(out, outcome_name((enum outcome)o), l->ended[INNOCENT][o],
                    l->ended[INJECTED][o], outcome_meaning((enum outcome)o));
    ledger_line(out, "unfinished", l->unfinished[INNOCENT], l->unfinished[INJECTED],
                "sent, but no answer when the run was over");
    ledger_line(out, "never sent", l->never_sent - l->crowded_out, l->crowded_out,
                "due, but no connection was free in time");
    fprintf(out, "  scheduled %s, and every one of them is in exactly one line above%s\n",
            format_count(l->scheduled, n), ledger_balances(l) ? "" : ": NO, THE SUM IS WRONG");
}

static void injected(FILE *out, const struct tally *t)
{
    char sent[SHORT_TEXT], answered[SHORT_TEXT], kept[SHORT_TEXT], lost[SHORT_TEXT];
    const struct injected_fate *f = &t->fate;
    uint64_t requests = t->ledger.started[INJECTED] - f->wire;
    if (requests > 0)
        fprintf(out,
                "\n  %s requests were injected faults: %s were answered 5xx on a connection that "
                "stayed usable\n  (%s answered 5xx in all; %s of them lost their connection)\n",
                format_count(requests, sent), format_count(f->answered_5xx_kept, kept),
                format_count(f->answered_500 + f->answered_503 + f->answered_504 +
                                 f->answered_other_5xx,
                             answered),
                format_count(f->connection_lost, lost));
    if (f->wire > 0)
        fprintf(
            out,
            "\n  %s wire faults, each on a connection of its own: the column \"injected\" tells "
            "how they ended\n",
            format_count(f->wire, sent));
    if (t->ledger.crowded_out > 0)
        fprintf(out, "  %s more were never sent: each thread has %d under way at most\n",
                format_count(t->ledger.crowded_out, lost), GANG_SIZE);
}

static void tls(FILE *out, const struct tls_facts *t)
{
    char n[SHORT_TEXT], resumed[SHORT_TEXT];
    if (t->handshakes > 0)
        fprintf(out, "\n  TLS: %s handshakes, %s of them resumed a session; %s\n",
                format_count(t->handshakes, n), format_count(t->resumed, resumed), t->agreed);
    if (t->first_failure[0] != '\0')
        fprintf(out, "\n  TLS: the first failure was: %s\n", t->first_failure);
}

static void victims(FILE *out, const struct result *r)
{
    const struct victims *v = &r->victims;
    char total[SHORT_TEXT], failed[SHORT_TEXT], slow[SHORT_TEXT], limit[SHORT_TEXT];
    fprintf(out, "\n  victims %s: %s innocent requests failed", format_count(v->total, total),
            format_count(v->failed, failed));
    if (v->threshold_us > 0)
        fprintf(out, ", %s took or waited longer than %s\n  (ten times the p99 of %s)",
                format_count(v->slow + v->waiting, slow), format_us((double)v->threshold_us, limit),
                r->steady.source ? r->steady.source : "a steady run");
    else
        fprintf(out, " (with --warmup or --steady-p99, slow ones would count as well)");
    if (v->allowance > 0)
        fprintf(out, ", less %" PRIu64 " that a steady run had as well", v->allowance);
    fprintf(out,
            "\n  %.2f s without service: nobody was answered well, looked at in steps of %.0f ms\n",
            r->without_service_s, r->resolution_s * 1e3);
}

static void verdict(FILE *out, const struct result *r, const struct expectation *expectations,
                    size_t count)
{
    fprintf(out, "\n  generator: busiest thread %.0f %% of a CPU%s%s\n", r->facts.cpu_percent,
            r->limited ? "; " : "", r->limited ? r->limited_why : "");
    for (size_t i = 0; i < count; i++) {
        double measured;
        bool held = expectation_holds(&expectations[i], r, &measured);
        fprintf(out, "  expect %s: %s (%.10g%s)\n", expectations[i].text, held ? "held" : "FAILED",
                measured, expectations[i].percent ? " %" : "");
    }
    if (r->invalid)
        fprintf(out, "  INVALID: %s\n", r->invalid);
}

void report_text(FILE *out, const struct result *r, const struct expectation *expectations,
                 size_t expectation_count)
{
    headline(out, r);
    latencies(out, r);
    ledger(out, &r->tally->ledger);
    injected(out, r->tally);
    tls(out, &r->tally->tls);
    victims(out, r);
    verdict(out, r, expectations, expectation_count);
}
