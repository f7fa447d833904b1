/*
 * demo_plan.c — see demo_plan.h.
 */
#include "demo_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../scenario.h"
#include "../server/subject.h"

#define DEFAULT_PATH "/one.txt"

/* crash-1 of …/scenarios/crash-1.scn */
static void take_name(char out[DEMO_NAME], const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".scn") == 0)
        length -= 4;
    snprintf(out, DEMO_NAME, "%.*s", (int)length, name);
}

/* The servers, what is asked of them afterwards, and the reports are the demonstration's own. */
static bool refuse_foreign(const struct run_options *o, struct complaint *why)
{
    const struct {
        const char *name;
        bool there;
    } foreign[] = {{"start", o->start},
                   {"server-metrics", o->server_metrics},
                   {"urls", o->listed.count > 0},
                   {"inject-url", o->inject_url_count > 0},
                   {"json", o->json},
                   {"csv", o->csv},
                   {"html", o->html},
                   {"hlog", o->hlog}};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (foreign[i].there)
            return complain(why,
                            "\"%s\" is for loadtest run: demo starts its own servers, and writes "
                            "its own reports",
                            foreign[i].name);
    for (size_t i = 0; i < o->url_count; i++)
        if (o->urls[i][0] != '/')
            return complain(why,
                            "\"url %s\" names a server, and demo starts its own: write the path "
                            "alone, such as /one.txt",
                            o->urls[i]);
    return true;
}

/* Of those that are elsewhere no process is within reach. */
static bool check_reach(const struct run_options *o, struct complaint *why)
{
    for (size_t i = 0; i < o->injection_count; i++)
        if (o->injections[i].level == FAULT_PROCESS)
            return complain(why,
                            "%s is done to a process, and those of --against are out of reach: "
                            "leave this scenario out",
                            o->injections[i].kind);
    return true;
}

static void shorten(struct run_options *o, int64_t most_ns)
{
    if (o->duration_ns <= most_ns)
        return;
    for (size_t i = 0; i < o->schedule.stage_count; i++) {
        struct schedule_stage *stage = &o->schedule.stages[i];
        stage->length_ns =
            (int64_t)((double)stage->length_ns * (double)most_ns / (double)o->duration_ns);
    }
    o->duration_ns = most_ns;
}

/* One that would come too late would be missed in silence. */
static bool check_moments(const struct run_options *o, struct complaint *why)
{
    for (size_t i = 0; i < o->injection_count; i++) {
        const struct injection *injection = &o->injections[i];
        if (injection->share <= 0 && injection->first_ns >= o->duration_ns)
            return complain(why, "%s comes after %g s, when its run of %g s is over: raise -d",
                            injection->kind, (double)injection->first_ns / 1e9,
                            (double)o->duration_ns / 1e9);
    }
    return true;
}

static bool fit(struct run_options *o, const struct demo_options *demo, struct complaint *why)
{
    static struct subject later = {.pid = -1}; /* whose processes: that is known when they run */
    if (!refuse_foreign(o, why))
        return false;
    if (o->url_count == 0)
        o->urls[o->url_count++] = DEFAULT_PATH;
    if (demo->connections > 0)
        o->connections = demo->connections;
    if (demo->depth > 0)
        o->depth = demo->depth;
    if (demo->seed_given)
        o->seed = demo->seed;
    o->quiet = demo->quiet;
    o->subject = &later;
    if (!run_options_settle(o, why) || (demo->elsewhere && !check_reach(o, why)))
        return false;
    shorten(o, demo->duration_ns);
    return check_moments(o, why);
}

static bool add(struct demo *d, const char *name, struct complaint *why)
{
    struct complaint detail;
    struct demo_scenario *grown =
        realloc(d->scenarios, (d->scenario_count + 1) * sizeof *d->scenarios);
    if (!grown)
        return complain(why, "out of memory");
    d->scenarios = grown;
    struct demo_scenario *s = &d->scenarios[d->scenario_count++];
    memset(s, 0, sizeof *s);
    take_name(s->name, name);
    run_options_default(&s->options);
    if (!scenario_read(name, &s->options, why))
        return false;
    if (!s->options.scenario_title[0])
        snprintf(s->options.scenario_title, sizeof s->options.scenario_title, "%s", s->name);
    return fit(&s->options, d->options, &detail) ||
           complain(why, "scenario %s: %s", s->name, detail.text);
}

static bool add_all(struct demo *d, struct complaint *why)
{
    glob_t files;
    if (!scenario_list(&files, why))
        return false;
    bool good = true;
    for (size_t i = 0; good && i < files.gl_pathc; i++)
        good = add(d, files.gl_pathv[i], why);
    globfree(&files);
    return good;
}

/* Options point into themselves; the array may have moved while it grew. */
static void point_anew(struct demo *d)
{
    for (size_t i = 0; i < d->scenario_count; i++)
        d->scenarios[i].options.dress.headers = d->scenarios[i].options.headers;
}

bool demo_plan(struct demo *d, struct complaint *why)
{
    const struct demo_options *o = d->options;
    for (size_t i = 0; i < o->scenario_count; i++) {
        bool all = strcmp(o->scenarios[i], "all") == 0;
        if (!(all ? add_all(d, why) : add(d, o->scenarios[i], why)))
            return false;
    }
    point_anew(d);
    return true;
}

struct run_options demo_plan_steady(const struct run_options *o)
{
    struct run_options steady = *o;
    steady.injection_count = 0;
    return steady;
}
