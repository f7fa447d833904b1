/*
 * compare_json.c — the findings, and every round they come from.
 */
#include <math.h>

#include "../report/report.h"
#include "../units.h"
#include "compare.h"

static void one_round(struct json *j, const struct round *r)
{
    json_object(j, NULL);
    j->compact = true;
    json_real(j, "at_s", r->at_s);
    json_real(j, "seconds", r->seconds);
    for (unsigned f = 0; f < FIGURES; f++)
        json_real(j, figure_key((enum figure)f), r->figures[f]);
    json_count(j, "ok", r->ok);
    json_count(j, "failed", r->failed);
    json_bool(j, "generator_limited", r->limited);
    json_text(j, "invalid", r->invalid);
    json_object_end(j);
    j->compact = false;
}

static void one_finding(struct json *j, enum figure f, const struct finding *finding)
{
    bool known = finding->verdict != VERDICT_UNKNOWN;
    json_object(j, figure_key(f));
    json_text(j, "verdict", verdict_name(finding->verdict));
    json_count(j, "pairs", finding->pairs);
    json_real(j, "first", known ? finding->base : NAN);
    json_real(j, "this", known ? finding->other : NAN);
    json_real(j, "ratio", known ? finding->ratio.middle : NAN);
    json_real(j, "low", known ? finding->ratio.low : NAN);
    json_real(j, "high", known ? finding->ratio.high : NAN);
    json_object_end(j);
}

static void server(struct json *j, const struct compare_subject *s)
{
    bool known = s->server.pid > 0;
    json_object(j, "server");
    if (known)
        json_count(j, "pid", (uint64_t)s->server.pid);
    else
        json_null(j, "pid");
    json_text(j, "command", known ? s->server.command : NULL);
    json_text(j, "unknown", known ? NULL : s->server_unknown.text);
    json_object_end(j);
}

static void beside_the_first(struct json *j, const struct comparison *c, size_t index)
{
    json_text(j, "overall", verdict_name(c->overall[index]));
    json_bool(j, "failures_unequal", c->unequal_failures[index]);
    json_object(j, "findings");
    for (unsigned f = 0; f < FIGURES; f++)
        one_finding(j, (enum figure)f, &c->findings[index][f]);
    json_object_end(j);
}

static void one_subject(struct json *j, const struct comparison *c, size_t index)
{
    const struct compare_subject *s = &c->subjects[index];
    json_object(j, NULL);
    json_text(j, "name", s->name);
    json_text(j, "url", s->url);
    server(j, s);
    if (s != c->subjects)
        beside_the_first(j, c, index);
    json_count(j, "rounds_limited", s->limited);
    json_count(j, "rounds_invalid", s->invalid);
    report_json_requests(j, &s->total->ledger);
    json_object(j, "latency_us");
    report_json_latency(j, "corrected", &s->total->corrected);
    report_json_latency(j, "raw", &s->total->raw);
    report_json_latency(j, "failed", &s->total->failed);
    json_object_end(j);
    json_array(j, "rounds");
    for (size_t i = 0; i < c->rounds_done; i++)
        one_round(j, &s->rounds[i]);
    json_array_end(j);
    json_object_end(j);
}

void compare_json(FILE *out, const struct comparison *c)
{
    const struct run_options *o = &c->options->load;
    struct json j;
    json_begin(&j, out);
    json_object(&j, NULL);
    report_json_head(&j, "compare", c->command);
    json_text(&j, "started", c->started);
    json_count(&j, "seed", o->seed);
    json_count(&j, "connections", o->connections);
    json_count(&j, "pipeline", o->depth);
    json_text(&j, "loop", o->rate > 0 ? "open" : "closed");
    json_real(&j, "rate", o->rate);
    json_count(&j, "rounds", c->rounds_done);
    json_count(&j, "rounds_planned", c->options->rounds);
    json_real(&j, "round_s", (double)o->duration_ns / (double)NS_PER_S);
    json_real(&j, "confidence_together", COMPARE_CONFIDENCE);
    json_real(&j, "confidence_each", c->confidence);
    json_array(&j, "subjects");
    for (size_t i = 0; i < c->options->subject_count; i++)
        one_subject(&j, c, i);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}
