/*
 * report_html_ends.c — the two ends of the wire: what the server says of itself, how TLS between the
 * two went, and what loadtest itself may have added.
 */
#include <inttypes.h>

#include "../units.h"
#include "html.h"
#include "page.h"
#include "report_html_parts.h"

/* ── The server ────────────────────────────────────────────────────────────────────────────── */

static void counts(FILE *out, const struct server_side *s)
{
    static const struct html_column columns[] = {{"of its requests", false}, {"requests", true}};
    struct html_table t;
    html_table_open(&t, out, "The server's count and ours", columns, 2);
    html_cell(&t, "counted by the server");
    html_cell_count(&t, s->counted);
    html_cell(&t, "answered, as loadtest saw");
    html_cell_count(&t, s->answered);
    html_cell(&t, "sent, but the end was not seen: each may or may not be counted");
    html_cell_count(&t, s->unseen);
    for (size_t i = 0; i < s->after.causes; i++) {
        uint64_t n = reconcile_killed(s, s->after.killed[i].cause);
        if (n == 0)
            continue;
        html_cellf(&t, "ended by the server: %s", s->after.killed[i].cause);
        html_cell_count(&t, n);
    }
    html_table_close(&t);
}

void section_server(FILE *out, const struct result *r)
{
    const struct server_side *s = &r->server;
    char died[SHORT_TEXT], cpu[SHORT_TEXT], pss[SHORT_TEXT];
    if (!s->asked)
        return;
    page_section(out, "The server's own side", "What its /metrics say, warm-up included.");
    if (!s->comparable) {
        html_element(out, "p", NULL,
                     "It was started again in between, and has lost its count: nothing can be "
                     "reconciled.");
        page_section_end(out);
        return;
    }
    counts(out, s);
    html_elementf(out, "p", s->reconciled ? "sum" : "sum wrong",
                  s->reconciled ? "Reconciled: yes. The two differ by %" PRId64 "."
                                : "RECONCILED: NO. THE TWO DIFFER BY %" PRId64 ".",
                  s->difference);
    html_elementf(out, "p", "note",
                  "Processes of it that died: %s. CPU time per request: %s. Memory of its workers "
                  "(PSS): %s.",
                  format_count(s->worker_deaths, died), format_us(reconcile_cpu_us(s), cpu),
                  s->after.pss_bytes > 0 ? format_bytes((double)s->after.pss_bytes, pss)
                                         : "unknown");
    page_section_end(out);
}

/* ── TLS ───────────────────────────────────────────────────────────────────────────────────── */

static void handshakes(FILE *out, const struct result *r)
{
    static const struct html_column columns[] = {
        {"handshakes", false}, {"full", true}, {"resumed", true}};
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};
    static const char *const names[] = {"p50", "p90", "p99", "p99.9", "slowest"};
    const struct handshakes *kinds[] = {&r->tally->full, &r->tally->resumed};
    const double rates[] = {r->full_rate, r->resumed_rate};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    struct html_table t;
    char text[SHORT_TEXT];
    html_table_open(&t, out, "Handshakes", columns, 1 + KINDS);
    html_cell(&t, "in all");
    for (size_t k = 0; k < KINDS; k++)
        html_cell_count(&t, kinds[k]->took.total);
    html_cell(&t, "per second, while it was measured");
    for (size_t k = 0; k < KINDS; k++)
        html_cell_count(&t, (uint64_t)(rates[k] + 0.5));
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        html_cell(&t, names[i]);
        for (size_t k = 0; k < KINDS; k++) {
            const struct hist *h = &kinds[k]->took;
            html_cell(&t,
                      h->total == 0 ? "" : format_us((double)hist_quantile_us(h, shares[i]), text));
        }
    }
    html_table_close(&t);
    html_element(out, "p", "note",
                 "From the open TCP connection to our last message, of all connections of the run, "
                 "those made before it and for wire faults too. Resumed: with the session of an "
                 "earlier connection.");
}

void section_tls(FILE *out, const struct result *r)
{
    const struct tls_facts *t = &r->tally->tls;
    if (tally_handshakes(r->tally) == 0 && t->first_failure[0] == '\0')
        return;
    page_section(out, "TLS", NULL);
    if (tally_handshakes(r->tally) > 0) {
        html_elementf(out, "p", NULL, "The first handshake agreed on %s.", t->agreed);
        handshakes(out, r);
    }
    if (t->first_failure[0] != '\0')
        html_elementf(out, "p", NULL, "The first failure was: %s", t->first_failure);
    page_section_end(out);
}

/* ── The generator ─────────────────────────────────────────────────────────────────────────── */

void section_generator(FILE *out, const struct result *r)
{
    static const struct html_column columns[] = {{"schedule slip", false}, {"delay", true}};
    char text[SHORT_TEXT];
    const struct hist *slip = &r->tally->slip;
    page_section(out, "The generator's own limits",
                 "What loadtest itself may have added to these figures.");
    html_elementf(out, "p", NULL,
                  "Its busiest thread used %.0f %% of a CPU; all of them together took %.2f s of "
                  "CPU time.",
                  r->facts.cpu_percent, r->facts.cpu_seconds);
    if (r->rate > 0 && slip->total > 0) {
        static const double shares[] = {0.5, 0.99, 1};
        static const char *const names[] = {"half were sent no later than",
                                            "99 % were sent no later than", "the latest"};
        struct html_table t;
        html_table_open(&t, out, "Schedule slip", columns, 2);
        for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
            html_cell(&t, names[i]);
            html_cell(&t, format_us((double)hist_quantile_us(slip, shares[i]), text));
        }
        html_table_close(&t);
        html_element(out, "p", "note",
                     "Slip: how much later than due requests left although a connection was free.");
        html_elementf(out, "p", "note",
                      "Backlog: up to %s requests were due and waited for a free connection.",
                      format_count(r->facts.backlog, text));
    }
    page_section_end(out);
}
