/*
 * json.c — every figure, every sentence and its verdict.
 */
#include "../report/report.h"

#include "report.h"
#include "verdict.h"

static void figure(struct json *j, enum measure measure, const struct figure *f)
{
    json_object(j, NULL);
    json_text(j, "name", f->line->name);
    json_text(j, "title", f->line->title);
    json_text(j, "skipped", f->measured ? NULL : f->skipped.text);
    if (f->measured) {
        json_real(j, "median", f->value.median);
        json_real(j, "q1", f->value.low);
        json_real(j, "q3", f->value.high);
        if (measure != MEMORY)
            json_real(j, measure == CPU_TIME ? "elapsed_ns" : "cpu_ns", f->other_ns);
        json_count(j, "rounds", f->rounds);
        json_count(j, "each", f->each);
        json_count(j, "operations", f->done);
        json_count(j, "lost", f->lost);
    }
    json_object_end(j);
}

static void claim(struct json *j, const struct findings *f, const struct claim *c)
{
    struct verdict v = claim_judge(f, c);
    json_object(j, NULL);
    json_text(j, "sentence", c->sentence);
    json_text(j, "a", c->a);
    json_text(j, "b", c->b);
    json_text(j, "verdict", ruling_name(v.ruling));
    if (!c->b)
        json_real(j, "lost_share", v.lost_share);
    else {
        json_real(j, "factor", v.factor.median);
        json_real(j, "factor_q1", v.factor.low);
        json_real(j, "factor_q3", v.factor.high);
    }
    json_object_end(j);
}

static void group(struct json *j, const struct findings *f)
{
    static const char *const measures[] = {
        [CPU_TIME] = "cpu_ns", [ELAPSED_TIME] = "elapsed_ns", [MEMORY] = "bytes"};
    json_object(j, NULL);
    json_text(j, "name", f->group->name);
    json_text(j, "title", f->group->title);
    json_text(j, "method", f->group->method);
    json_text(j, "measure", measures[f->group->measure]);
    json_array(j, "lines");
    for (size_t i = 0; i < f->group->count; i++)
        figure(j, f->group->measure, &f->figures[i]);
    json_array_end(j);
    json_array(j, "claims");
    for (size_t i = 0; i < f->group->claim_count; i++)
        claim(j, f, &f->group->claims[i]);
    json_array_end(j);
    json_object_end(j);
}

void survey_json(FILE *out, const struct survey *s)
{
    struct json j;
    json_begin(&j, out);
    json_object(&j, NULL);
    report_json_head(&j, "primitives", s->command);
    json_text(&j, "started", s->started);
    json_count(&j, "rounds", s->plan->rounds);
    json_array(&j, "groups");
    for (size_t i = 0; i < s->count; i++)
        group(&j, &s->findings[i]);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}
