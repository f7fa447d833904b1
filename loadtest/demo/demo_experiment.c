/*
 * demo_experiment.c — start, warm up, measure, poison, measure, stop; three times.
 *
 * The order is the experiment: each subject is alone on the machine while it is measured, its
 * steady run is the yardstick for its own run under fault, and its CPU time is read around each
 * run.
 */
#include "demo_experiment.h"

#include <stdio.h>
#include <string.h>

#include "../interrupt.h"
#include "../measure.h"
#include "demo_measure.h"
#include "demo_server.h"

static void plan(struct run_options *o, const struct demo_options *demo, const char *url,
                 int64_t duration_ns)
{
    run_options_default(o);
    o->urls[o->url_count++] = url;
    o->connections = demo->connections;
    o->depth = demo->depth;
    o->duration_ns = duration_ns;
    o->warmup_ns = 0;
    o->seed = demo->seed;
    o->quiet = demo->quiet;
    o->dress.headers = o->headers;
}

static bool warm_up(const struct demo *d, const char *url, struct complaint *why)
{
    struct run_options o;
    struct result ignored;
    plan(&o, d->options, url, d->options->warmup_ns);
    o.quiet = true;
    if (!run_measure(&o, NULL, &ignored, why))
        return false;
    result_free(&ignored);
    return true;
}

static bool run_both(struct demo *d, size_t index, const struct demo_server *server,
                     struct complaint *why)
{
    struct demo_subject *s = &d->subjects[index];
    char url[SUBJECT_ADDRESS_MAX + 32], label[64];
    struct run_options o;
    snprintf(url, sizeof url, "http://%s/one.txt", server->subject.address);
    if (!warm_up(d, url, why))
        return false;

    plan(&o, d->options, url, d->options->duration_ns);
    o.server_metrics = server->metrics;
    snprintf(label, sizeof label, "%s, steady", s->name);
    if (!demo_measure(&o, label, &server->subject, &s->runs[STEADY], why))
        return false;
    s->runs[STEADY].result.command = d->command;
    demo_yardstick(&s->runs[STEADY].result, &o.steady);
    if (interrupted())
        return complain(why, "interrupted");

    struct injection *injection = &o.injections[o.injection_count++];
    injection->share = d->options->share;
    memcpy(injection->kind, d->options->kind, sizeof injection->kind);
    snprintf(label, sizeof label, "%s, %g %% %s", s->name, 100 * d->options->share,
             d->options->kind);
    bool good = demo_measure(&o, label, &server->subject, &s->runs[FAULTY], why);
    s->runs[FAULTY].result.command = d->command;
    if (good)
        s->check = demo_check(d->options->kind, index == THREAD, &s->runs[FAULTY].result);
    return good;
}

static void run_subject(struct demo *d, size_t index, const struct workshop *w)
{
    struct demo_subject *s = &d->subjects[index];
    struct demo_server server;
    struct demo_needs needs = {.connections = d->options->connections};
    if (interrupted())
        complain(&s->trouble, "interrupted");
    else if (demo_server_start(&server, d, index, &needs, w, &s->trouble)) {
        run_both(d, index, &server, &s->trouble);
        demo_server_stop(&server);
    }
}

void demo_experiment(struct demo *d, const struct workshop *w)
{
    for (size_t i = 0; i < SUBJECTS; i++)
        run_subject(d, i, w);
}

bool demo_experiment_complete(const struct demo *d)
{
    bool complete = true;
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_subject *s = &d->subjects[i];
        for (size_t k = 0; k < RUNS; k++)
            complete &= s->runs[k].done && !s->runs[k].result.invalid;
        complete &= !s->runs[FAULTY].done || s->check.holds;
    }
    return complete;
}

void demo_experiment_free(struct demo *d)
{
    for (size_t i = 0; i < SUBJECTS; i++)
        for (size_t k = 0; k < RUNS; k++)
            if (d->subjects[i].runs[k].done)
                result_free(&d->subjects[i].runs[k].result);
}
