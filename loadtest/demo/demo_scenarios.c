/*
 * demo_scenarios.c — a server, its yardstick, the scenario; for each subject, then the next scenario.
 *
 * Each case has a server of its own, so that nothing is left over from the one before. Where
 * something is done on purpose, the same load goes before without it, on the same server and for as
 * long: victims, recovery and lost answers are counted from that. Where nothing is, the run is its
 * own yardstick.
 */
#include "demo_scenarios.h"

#include <stdio.h>
#include <stdlib.h>

#include "../interrupt.h"
#include "../units.h"
#include "demo_measure.h"
#include "demo_plan.h"
#include "demo_server.h"

/* Before the first run of a server, and before another, until all connections are open; neither
 * longer than what follows. */
#define FIRST_WARMUP_NS (1 * NS_PER_S)
#define WARMUP_NS (NS_PER_S / 2)

/* "5 of 36: crash-1, pool" */
struct place {
    size_t number, count;
    char text[2 * DEMO_NAME];
};

/* Paths become URLs of this server; the texts are for the caller to free. */
static bool aim(struct run_options *o, const char *address, char *texts[MAX_URLS],
                struct complaint *why)
{
    for (size_t i = 0; i < o->url_count; i++) {
        if (asprintf(&texts[i], "http://%s%s", address, o->urls[i]) < 0) {
            texts[i] = NULL;
            return complain(why, "out of memory");
        }
        o->urls[i] = texts[i];
    }
    return true;
}

/* The same load without faults. What it found out is in o->steady then; what spoilt it, in
 * `spoilt`. */
static bool measure_steady(struct run_options *o, const char *label, const struct subject *server,
                           struct complaint *spoilt, struct complaint *why)
{
    struct run_options plan = demo_plan_steady(o);
    struct demo_run run = {0};
    if (!demo_measure(&plan, label, server, &run, why))
        return false;
    demo_yardstick(&run.result, &o->steady);
    if (run.result.invalid)
        complain(spoilt, "the steady run before it was invalid: %s", run.result.invalid);
    result_free(&run.result);
    return !interrupted() || complain(why, "interrupted");
}

/* A run that is measured by a useless one is useless. */
static void pass_on(struct result *r, const struct complaint *spoilt)
{
    if (!spoilt->text[0] || r->invalid)
        return;
    r->trouble = *spoilt;
    r->invalid = r->trouble.text;
}

static int64_t warmup(int64_t wanted_ns, const struct run_options *o)
{
    return wanted_ns < o->duration_ns ? wanted_ns : o->duration_ns;
}

static void measure_on(struct demo_scenario *s, size_t index, struct run_options *o,
                       const struct subject *server, const struct place *place)
{
    struct demo_case *c = &s->cases[index];
    struct complaint spoilt = {""};
    struct steady own;
    char label[sizeof place->text + 16];
    bool faults = o->injection_count > 0;
    o->warmup_ns = warmup(FIRST_WARMUP_NS, o);
    snprintf(label, sizeof label, "%s, steady", place->text);
    if (faults && !measure_steady(o, label, server, &spoilt, &c->trouble))
        return;
    o->warmup_ns = warmup(faults ? WARMUP_NS : FIRST_WARMUP_NS, o);
    if (!demo_measure(o, place->text, server, &c->run, &c->trouble))
        return;
    if (!faults)
        demo_yardstick(&c->run.result, &own);
    pass_on(&c->run.result, &spoilt);
    c->run.result.scenario = s->options.scenario_title; /* `o` goes, this stays */
    c->check =
        demo_check_faults(o->injections, o->injection_count, index == THREAD, &c->run.result);
}

/* The server is up. */
static void load(struct demo_scenario *s, size_t index, struct demo_server *server,
                 const struct place *place)
{
    char *urls[MAX_URLS] = {NULL};
    struct run_options o = s->options;
    o.subject = &server->subject;
    o.server_metrics = server->metrics;
    if (aim(&o, server->subject.address, urls, &s->cases[index].trouble))
        measure_on(s, index, &o, &server->subject, place);
    for (size_t i = 0; i < MAX_URLS; i++)
        free(urls[i]);
}

static void run_case(struct demo *d, struct demo_scenario *s, size_t index,
                     const struct workshop *w, struct place *place)
{
    struct demo_case *c = &s->cases[index];
    struct demo_server server;
    struct demo_needs needs = {s->options.connections, DEMO_REQUEST_TIMEOUT};
    snprintf(place->text, sizeof place->text, "%zu of %zu: %s, %s", place->number, place->count,
             s->name, d->subjects[index].name);
    if (interrupted())
        complain(&c->trouble, "interrupted");
    else if (demo_server_start(&server, d, index, &needs, w, &c->trouble)) {
        load(s, index, &server, place);
        c->run.result.command = d->command;
        demo_server_stop(&server);
    }
}

void demo_scenarios(struct demo *d, const struct workshop *w)
{
    struct place place = {.count = d->scenario_count * SUBJECTS};
    for (size_t k = 0; k < d->scenario_count; k++) {
        for (size_t i = 0; i < SUBJECTS; i++) {
            place.number = k * SUBJECTS + i + 1;
            run_case(d, &d->scenarios[k], i, w, &place);
        }
    }
}

bool demo_scenarios_complete(const struct demo *d)
{
    bool complete = true;
    for (size_t i = 0; i < d->scenario_count * SUBJECTS; i++) {
        const struct demo_case *c = &d->scenarios[i / SUBJECTS].cases[i % SUBJECTS];
        complete &= c->run.done && !c->run.result.invalid && (!c->check.asked || c->check.holds);
    }
    return complete;
}

void demo_scenarios_free(struct demo *d)
{
    for (size_t k = 0; k < d->scenario_count; k++) {
        for (size_t i = 0; i < SUBJECTS; i++)
            if (d->scenarios[k].cases[i].run.done)
                result_free(&d->scenarios[k].cases[i].run.result);
        run_options_free(&d->scenarios[k].options);
    }
    free(d->scenarios);
    d->scenarios = NULL;
    d->scenario_count = 0;
}
