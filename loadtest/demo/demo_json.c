/*
 * demo_json.c — all results, each with the members that `loadtest run --json` has.
 */

#include "../report/report.h"
#include "demo_result.h"

static void one_run(struct json *j, const char *key, const struct demo_run *run)
{
    if (!run->done) {
        json_null(j, key);
        return;
    }
    json_object(j, key);
    if (run->cpu_us >= 0)
        json_real(j, "server_cpu_us_per_request", run->cpu_us);
    else
        json_null(j, "server_cpu_us_per_request");
    json_count(j, "server_processes", run->use.processes);
    json_count(j, "server_pss_kib", run->memory / 1024);
    json_bool(j, "server_pss_of_workers", run->memory_of_workers);
    report_json_members(j, &run->result);
    json_object_end(j);
}

static void check(struct json *j, const struct demo_check *c, bool done)
{
    if (!done || !c->known || !c->asked) {
        json_null(j, "check");
        return;
    }
    json_object(j, "check");
    json_bool(j, "holds", c->holds);
    json_count(j, "injected", c->injected);
    json_count(j, "unseen", c->unseen);
    json_count(j, "killed", c->killed);
    json_count(j, "deaths", c->deaths);
    json_count(j, "kills", c->kills);
    json_object_end(j);
}

/* What the run is measured by. */
static void yardstick(struct json *j, const struct demo_run *run)
{
    const struct steady *y = &run->result.steady;
    if (!run->done) {
        json_null(j, "steady");
        return;
    }
    json_object(j, "steady");
    json_text(j, "source", y->source);
    json_count(j, "p99_us", (uint64_t)y->p99_us);
    json_count(j, "victims", y->victims);
    json_real(j, "rps", y->rps > 0 ? y->rps : run->result.rps);
    json_object_end(j);
}

static void expectations(struct json *j, const struct run_options *o, const struct demo_run *run)
{
    json_array(j, "expectations");
    for (size_t i = 0; run->done && i < o->expectation_count; i++) {
        double measured;
        bool held = expectation_holds(&o->expectations[i], &run->result, &measured);
        json_object(j, NULL);
        json_text(j, "expect", o->expectations[i].text);
        json_bool(j, "held", held);
        json_real(j, "measured", measured);
        json_object_end(j);
    }
    json_array_end(j);
}

static void scenario(struct json *j, const struct demo *d, const struct demo_scenario *s)
{
    json_object(j, NULL);
    json_text(j, "name", s->name);
    json_text(j, "title", s->options.scenario_title);
    json_array(j, "subjects");
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_case *c = &s->cases[i];
        json_object(j, NULL);
        json_text(j, "name", d->subjects[i].name);
        json_text(j, "trouble", c->trouble.text[0] ? c->trouble.text : NULL);
        yardstick(j, &c->run);
        one_run(j, "run", &c->run);
        expectations(j, &s->options, &c->run);
        check(j, &c->check, c->run.done);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

void demo_json(FILE *out, const struct demo *d)
{
    struct json j;
    json_begin(&j, out);
    json_object(&j, NULL);
    report_json_head(&j, "demo", d->command);
    json_text(&j, "fault", d->options->kind);
    json_real(&j, "share", d->options->share);
    json_bool(&j, "pinned", d->server_cpu >= 0);
    json_array(&j, "subjects");
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_subject *s = &d->subjects[i];
        json_object(&j, NULL);
        json_text(&j, "name", s->name);
        json_text(&j, "trouble", s->trouble.text[0] ? s->trouble.text : NULL);
        one_run(&j, "steady", &s->runs[STEADY]);
        one_run(&j, "faulty", &s->runs[FAULTY]);
        check(&j, &s->check, s->runs[FAULTY].done);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_array(&j, "scenarios");
    for (size_t k = 0; k < d->scenario_count; k++)
        scenario(&j, d, &d->scenarios[k]);
    json_array_end(&j);
    json_object_end(&j);
    json_end(&j);
}
