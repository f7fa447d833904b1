/*
 * run.c — what to send → when and how → the sum → what is told about it.
 */
#include "run.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "engine.h"
#include "interrupt.h"
#include "output.h"
#include "progress.h"
#include "report.h"
#include "report_html.h"
#include "target.h"
#include "units.h"

#define LOOK_NS (50 * NS_PER_MS) /* how often ^C is looked for */

static unsigned usable_cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 1 ? (unsigned)n : 1;
}

/* Leaves one CPU to a server on the same machine. */
static unsigned choose_threads(const struct run_options *o)
{
    unsigned cpus = usable_cpus();
    unsigned n = o->threads ? o->threads : cpus > 1 ? cpus - 1 : 1;
    return n < o->connections ? n : o->connections;
}

static bool ensure_descriptors(unsigned connections, struct complaint *why)
{
    struct rlimit limit;
    rlim_t need = connections + 64;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return true;
    if (limit.rlim_max < need)
        return complain(why,
                        "%u connections need %llu descriptors, and this process may have %llu: "
                        "use fewer, or raise ulimit -n",
                        connections, (unsigned long long)need, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = need;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ||
           complain(why, "could not raise the limit of descriptors: %s", strerror(errno));
}

static struct engine_plan make_plan(const struct run_options *o, const struct target *target)
{
    return (struct engine_plan){.target = target,
                                .connections = o->connections,
                                .threads = choose_threads(o),
                                .depth = o->depth,
                                .reuse = o->dress.keepalive,
                                .timeout_ns = o->timeout_ns,
                                .warmup_ns = o->warmup_ns > 0 ? o->warmup_ns : 0,
                                .duration_ns = o->duration_ns,
                                .requests = o->requests,
                                .rate = o->rate,
                                .seed = o->seed};
}

/* Waits for the run to end, telling about each second as it passes. */
static void watch(struct engine *engine, struct timeline *timeline, struct progress *progress,
                  bool warmup)
{
    int64_t start = engine_measure_ns(engine);
    int64_t shown = 0;
    if (warmup)
        progress_phase(progress, "warming up");
    for (;;) {
        int64_t now = now_ns();
        /* A second is shown a little after its end, when all threads have published it. */
        int64_t over = now > start ? (now - start - LOOK_NS) / NS_PER_S : 0;
        while (shown < over)
            progress_second(progress, timeline, shown++);
        if (engine_wait(engine, now + LOOK_NS))
            break;
        if (interrupted())
            engine_stop(engine);
    }
    if (now_ns() - start >= (shown + 1) * NS_PER_S) /* the last one ended together with the run */
        progress_second(progress, timeline, shown);
    progress_end(progress);
}

static void describe(struct result *r, const struct run_options *o, unsigned threads)
{
    time_t now = time(NULL);
    struct tm utc;
    strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    r->seed = o->seed;
    r->connections = o->connections;
    r->threads = threads;
    r->depth = o->depth;
    r->rate = o->rate;
    r->timeout_ns = o->timeout_ns;
    r->steady = o->steady;
}

/* Unless the caller knows better, the warm-up is the steady run to compare with. */
static void learn_steady(struct result *r, int64_t warmup_ns)
{
    if (r->steady.p99_us > 0 || warmup_ns <= 0 || r->warmup->corrected.total == 0)
        return;
    r->steady.p99_us = hist_quantile_us(&r->warmup->corrected, 0.99);
    r->steady.rps = (double)r->warmup->ok_in_time / ((double)warmup_ns / 1e9);
    r->steady.source = "the warm-up";
}

bool run_measure(const struct run_options *o, const char *label, struct result *result,
                 struct complaint *why)
{
    struct target target;
    memset(result, 0, sizeof *result);
    if (!ensure_descriptors(o->connections, why) ||
        !target_build(&target, o->urls, o->url_count, o->injections, o->injection_count, &o->dress,
                      why))
        return false;
    struct engine_plan plan = make_plan(o, &target);
    describe(result, o, plan.threads);
    result->tally = calloc(1, sizeof *result->tally);
    result->warmup = calloc(1, sizeof *result->warmup);
    struct engine *engine = NULL;
    if (result->tally && result->warmup)
        engine = engine_start(&plan, &result->timeline, why);
    else
        complain(why, "out of memory");
    if (engine) {
        struct progress progress;
        progress_init(&progress, !o->quiet, label, o->duration_ns);
        watch(engine, &result->timeline, &progress, plan.warmup_ns > 0);
        engine_finish(engine, result->tally, result->warmup, &result->facts);
        learn_steady(result, plan.warmup_ns);
        result_conclude(result);
    } else {
        result_free(result);
    }
    target_free(&target);
    return engine != NULL;
}

static int verdict(const struct run_options *o, const struct result *r)
{
    if (r->invalid)
        return EXIT_INVALID;
    if (ledger_answered(&r->tally->ledger) == 0)
        return EXIT_NOTHING_TESTED;
    for (size_t i = 0; i < o->expectation_count; i++) {
        double measured;
        if (!expectation_holds(&o->expectations[i], r, &measured))
            return EXIT_FAILED;
    }
    return EXIT_HELD;
}

/* What heads a page: the URL, or the first of several. */
static const char *target_name(const struct run_options *o, char *text, size_t room)
{
    if (o->url_count > 1)
        snprintf(text, room, "%s and %zu more", o->urls[0], o->url_count - 1);
    else
        snprintf(text, room, "%s", o->urls[0]);
    return text;
}

enum { OUTPUT_JSON, OUTPUT_CSV, OUTPUT_HTML, OUTPUTS };

static int tell(const struct run_options *o, const struct result *r, struct output *outputs)
{
    int status = verdict(o, r);
    char target[1024];
    struct complaint why;
    if (!outputs_take_stdout(outputs, OUTPUTS))
        report_text(stdout, r, o->expectations, o->expectation_count);
    if (outputs[OUTPUT_JSON].file)
        report_json(outputs[OUTPUT_JSON].file, r, o->expectations, o->expectation_count);
    if (outputs[OUTPUT_CSV].file)
        report_csv(outputs[OUTPUT_CSV].file, r);
    if (outputs[OUTPUT_HTML].file)
        report_html(outputs[OUTPUT_HTML].file, r, target_name(o, target, sizeof target),
                    o->expectations, o->expectation_count);
    if (!outputs_close(outputs, OUTPUTS, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    if (status == EXIT_NOTHING_TESTED)
        fprintf(stderr,
                "loadtest: nothing was tested: no request was answered; is a server "
                "listening at %s?\n",
                o->urls[0]);
    return status;
}

int run_main(int argc, char *const *argv, const char *command)
{
    struct run_options options;
    struct complaint why;
    struct result result;
    run_options_default(&options);
    bool good = run_options_parse(&options, argc, argv, &why);
    if (good && options.help) {
        run_options_help();
        return EXIT_HELD;
    }
    if (good && options.version) {
        puts("loadtest " TANDEM_VERSION);
        return EXIT_HELD;
    }
    struct output outputs[OUTPUTS] = {[OUTPUT_JSON] = {options.json, NULL},
                                      [OUTPUT_CSV] = {options.csv, NULL},
                                      [OUTPUT_HTML] = {options.html, NULL}};
    if (!good || !outputs_open(outputs, OUTPUTS, &why) ||
        !run_measure(&options, NULL, &result, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    result.command = command;
    int status = tell(&options, &result, outputs);
    result_free(&result);
    return status;
}
