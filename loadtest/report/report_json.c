/*
 * report_json.c — the members named in the contract, and a few beside them.
 */
#include "../machine.h"
#include "report.h"

#define SCHEMA "tandem-loadtest/1" /* changes when a member goes or means something else */

void report_json_latency(struct json *j, const char *key, const struct hist *h)
{
    json_object(j, key);
    json_count(j, "count", h->total);
    json_real(j, "mean", hist_mean_us(h));
    json_count(j, "p50", (uint64_t)hist_quantile_us(h, 0.5));
    json_count(j, "p60", (uint64_t)hist_quantile_us(h, 0.6));
    json_count(j, "p75", (uint64_t)hist_quantile_us(h, 0.75));
    json_count(j, "p90", (uint64_t)hist_quantile_us(h, 0.9));
    json_count(j, "p99", (uint64_t)hist_quantile_us(h, 0.99));
    json_count(j, "p999", (uint64_t)hist_quantile_us(h, 0.999));
    json_count(j, "max", (uint64_t)h->max_us);
    json_object_end(j);
}

static void failure_classes(struct json *j, const struct ledger *l, const enum party *only)
{
    json_object(j, "failed");
    for (unsigned o = OUTCOME_OK + 1; o < OUTCOMES; o++)
        json_count(j, outcome_name((enum outcome)o),
                   only ? l->ended[*only][o] : ledger_class(l, (enum outcome)o));
    json_object_end(j);
}

/* One party's side of the ledger; it balances by itself. */
static void party_side(struct json *j, const struct ledger *l, enum party who)
{
    json_count(j, "started", l->started[who]);
    json_count(j, "ok", l->ended[who][OUTCOME_OK]);
    failure_classes(j, l, &who);
    json_count(j, "unfinished", l->unfinished[who]);
}

void report_json_requests(struct json *j, const struct ledger *l)
{
    json_object(j, "requests");
    json_count(j, "scheduled", l->scheduled);
    json_count(j, "ok", ledger_class(l, OUTCOME_OK));
    failure_classes(j, l, NULL);
    json_count(j, "injected", l->started[INJECTED]);
    json_count(j, "unfinished", l->unfinished[INNOCENT] + l->unfinished[INJECTED]);
    json_count(j, "never_sent", l->never_sent);
    json_count(j, "crowded_out", l->crowded_out);
    json_bool(j, "balanced", ledger_balances(l));
    json_object(j, "innocent");
    party_side(j, l, INNOCENT);
    json_object_end(j);
    json_object_end(j);
}

static void injected(struct json *j, const struct tally *t)
{
    const struct injected_fate *f = &t->fate;
    json_object(j, "injected");
    json_count(j, "sent", t->ledger.started[INJECTED]);
    json_count(j, "wire", f->wire);
    json_count(j, "answered_5xx",
               f->answered_500 + f->answered_503 + f->answered_504 + f->answered_other_5xx);
    json_count(j, "answered_500", f->answered_500);
    json_count(j, "answered_503", f->answered_503);
    json_count(j, "answered_504", f->answered_504);
    json_count(j, "answered_5xx_kept", f->answered_5xx_kept);
    json_count(j, "connection_kept", f->connection_kept);
    json_count(j, "connection_lost", f->connection_lost);
    party_side(j, &t->ledger, INJECTED);
    report_json_latency(j, "latency_us", &t->injected);
    json_object_end(j);
}

static void tls(struct json *j, const struct result *r)
{
    const struct tally *t = r->tally;
    json_object(j, "tls");
    json_count(j, "handshakes", tally_handshakes(t));
    json_count(j, "resumed", t->resumed.took.total);
    json_real(j, "full_per_second", r->full_rate);
    json_real(j, "resumed_per_second", r->resumed_rate);
    report_json_latency(j, "full_us", &t->full.took);
    report_json_latency(j, "resumed_us", &t->resumed.took);
    json_text(j, "agreed", t->tls.agreed[0] ? t->tls.agreed : NULL);
    json_text(j, "first_failure", t->tls.first_failure[0] ? t->tls.first_failure : NULL);
    json_object_end(j);
}

static void victims(struct json *j, const struct result *r)
{
    const struct victims *v = &r->victims;
    json_count(j, "victims", v->total);
    json_object(j, "victims_detail");
    json_count(j, "failed", v->failed);
    json_count(j, "slow", v->slow);
    json_count(j, "waiting", v->waiting);
    json_count(j, "steady_allowance", v->allowance);
    if (v->threshold_us > 0)
        json_count(j, "threshold_us", (uint64_t)v->threshold_us);
    else
        json_null(j, "threshold_us");
    json_text(j, "steady_source", r->steady.source);
    json_object_end(j);
}

static void timeline(struct json *j, const struct result *r)
{
    const struct timeline *t = &r->timeline;
    json_array(j, "timeline");
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_row *row = &t->rows[i];
        json_object(j, NULL);
        j->compact = true;
        json_count(j, "second", i * t->row_seconds);
        if (r->rate > 0)
            json_real(j, "due_rate", result_due_rate(r, i));
        json_count(j, "ok", row->ok);
        json_count(j, "failed", row->failed);
        json_count(j, "injected", row->injected);
        json_count(j, "tls_full", row->tls_full);
        json_count(j, "tls_resumed", row->tls_resumed);
        json_count(j, "p50_us", (uint64_t)row->p50_us);
        json_count(j, "p99_us", (uint64_t)row->p99_us);
        json_count(j, "max_us", (uint64_t)row->max_us);
        json_object_end(j);
        j->compact = false;
    }
    json_array_end(j);
}

static void generator(struct json *j, const struct result *r)
{
    json_object(j, "generator");
    json_bool(j, "limited", r->limited);
    json_text(j, "limited_why", r->limited_why);
    json_real(j, "cpu_percent", r->facts.cpu_percent);
    json_real(j, "cpu_seconds", r->facts.cpu_seconds);
    if (r->rate > 0) {
        json_count(j, "backlog", r->facts.backlog);
        report_json_latency(j, "slip_us", &r->tally->slip);
    }
    json_object_end(j);
}

void report_json_members(struct json *j, const struct result *r)
{
    const struct tally *t = r->tally;
    json_text(j, "scenario", r->scenario);
    json_count(j, "seed", r->seed);
    json_text(j, "started", r->started);
    json_real(j, "duration_s", r->facts.seconds);
    json_bool(j, "stopped_early", r->facts.stopped_early);
    json_count(j, "connections", r->connections);
    json_count(j, "threads", r->threads);
    json_count(j, "pipeline", r->depth);
    json_text(j, "loop", r->rate > 0 ? "open" : "closed");
    json_real(j, "rate", r->rate);
    json_text(j, "arrivals", r->rate <= 0 ? NULL : r->schedule.poisson ? "poisson" : "constant");
    json_text(j, "invalid", r->invalid);
    report_json_requests(j, &t->ledger);
    injected(j, t);
    victims(j, r);
    recovery_json(j, r);
    server_json(j, r);
    json_real(j, "rps", r->rps);
    json_real(j, "seconds_without_service", r->without_service_s);
    json_real(j, "service_resolution_s", r->resolution_s);
    json_object(j, "latency_us");
    report_json_latency(j, "corrected", &t->corrected);
    report_json_latency(j, "raw", &t->raw);
    report_json_latency(j, "failed", &t->failed);
    report_json_latency(j, "censored", &t->censored);
    report_json_latency(j, "first_byte", &t->first_byte);
    json_object_end(j);
    report_json_latency(j, "connect_us", &t->connect);
    tls(j, r);
    json_count(j, "bytes", t->bytes);
    json_count(j, "connections_opened", t->connections);
    json_count(j, "timeline_row_seconds", r->timeline.row_seconds);
    timeline(j, r);
    generator(j, r);
}

void report_json_head(struct json *j, const char *document, const char *command)
{
    struct machine m;
    machine_look(&m);
    json_text(j, "schema", SCHEMA);
    json_text(j, "document", document);
    json_text(j, "command", command);
    json_text(j, "version", TANDEM_VERSION);
    json_object(j, "machine");
    json_text(j, "cpu", m.cpu);
    json_count(j, "cores", m.cores);
    json_count(j, "usable", m.usable);
    json_count(j, "memory_bytes", m.memory);
    json_text(j, "kernel", m.kernel);
    json_text(j, "system", m.system[0] ? m.system : NULL);
    json_count(j, "page_bytes", m.page);
    json_text(j, "transparent_huge_pages", m.thp[0] ? m.thp : NULL);
    json_object_end(j);
}

void report_json(FILE *out, const struct result *r, const struct expectation *expectations,
                 size_t expectation_count)
{
    struct json j;
    json_begin(&j, out);
    json_object(&j, NULL);
    report_json_head(&j, "run", r->command);
    report_json_members(&j, r);
    json_array(&j, "expectations");
    for (size_t i = 0; i < expectation_count; i++) {
        double measured;
        json_object(&j, NULL);
        json_text(&j, "expect", expectations[i].text);
        json_bool(&j, "held", expectation_holds(&expectations[i], r, &measured));
        json_real(&j, "measured", measured);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}
