/*
 * demo_json.c — all six results, each with the members that `loadtest run --json` has.
 */
#include "demo_result.h"
#include "report.h"

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
    if (!done || !c->known) {
        json_null(j, "check");
        return;
    }
    json_object(j, "check");
    json_bool(j, "holds", c->holds);
    json_count(j, "injected", c->injected);
    json_count(j, "unseen", c->unseen);
    json_count(j, "killed", c->killed);
    json_count(j, "deaths", c->deaths);
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
    json_object_end(&j);
    json_end(&j);
}
