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
#include "progress.h"
#include "report.h"
#include "target.h"
#include "units.h"

#define RENDERINGS_MAX ((size_t)1 << 30)
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

static struct schedule make_schedule(const struct run_options *o)
{
    struct schedule s = o->schedule;
    if (!schedule_is_open(&s) && o->rate > 0)
        schedule_constant(&s, o->rate);
    return s;
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
                                .schedule = make_schedule(o),
                                .seed = o->seed};
}

/* The URLs of the command line, which all weigh the same, and those of --urls. */
static bool build_target(struct target *target, const struct run_options *o, struct complaint *why)
{
    size_t count = o->url_count + o->listed.count;
    struct aim *aims = calloc(count, sizeof *aims);
    if (!aims)
        return complain(why, "out of memory");
    for (size_t i = 0; i < o->url_count; i++)
        aims[i] = (struct aim){.url = o->urls[i], .weight = 1};
    for (size_t i = 0; i < o->listed.count; i++)
        aims[o->url_count + i] = o->listed.aims[i];
    bool good = target_build(target, aims, count, o->injections, o->injection_count, &o->dress,
                             o->connections, why);
    free(aims);
    if (good && target->room > RENDERINGS_MAX / o->depth / o->connections) {
        good = complain(why,
                        "%u connections with %u requests of up to %zu bytes each, filled in "
                        "anew, take more than 1 GiB: use fewer",
                        o->connections, o->depth, target->room);
        target_free(target);
    }
    return good;
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
        if (over > shown) {
            progress_second(progress, timeline, over - 1);
            shown = over;
        }
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
    r->scenario = o->scenario_title[0] ? o->scenario_title : NULL;
    r->seed = o->seed;
    r->connections = o->connections;
    r->threads = threads;
    r->depth = o->depth;
    r->rate = o->rate;
    r->schedule = make_schedule(o);
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
    if (!ensure_descriptors(o->connections, why) || !build_target(&target, o, why))
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
        progress_init(&progress, !o->quiet, label);
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

bool open_json(const char *name, FILE **out, struct complaint *why)
{
    *out = NULL;
    if (!name)
        return true;
    *out = strcmp(name, "-") == 0 ? stdout : fopen(name, "w");
    return *out || complain(why, "cannot write %s: %s", name, strerror(errno));
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

static int tell(const struct run_options *o, const struct result *r, FILE *json)
{
    int status = verdict(o, r);
    if (json != stdout)
        report_text(stdout, r, o->expectations, o->expectation_count);
    if (json)
        report_json(json, r, o->expectations, o->expectation_count);
    bool written = !json || (fflush(json) == 0 && !ferror(json));
    if (json && json != stdout)
        written &= fclose(json) == 0;
    if (!written) {
        fprintf(stderr, "loadtest: cannot write %s: %s\n", o->json, strerror(errno));
        return EXIT_INVALID;
    }
    if (status == EXIT_NOTHING_TESTED)
        fprintf(stderr,
                "loadtest: nothing was tested: no request was answered; is a server "
                "listening at %s?\n",
                o->url_count > 0 ? o->urls[0] : o->listed.aims[0].url);
    return status;
}

static int measure_and_tell(const struct run_options *o, const char *command)
{
    struct complaint why;
    struct result result;
    FILE *json = NULL;
    if (!open_json(o->json, &json, &why) || !run_measure(o, NULL, &result, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    result.command = command;
    int status = tell(o, &result, json);
    result_free(&result);
    return status;
}

int run_main(int argc, char *const *argv, const char *command)
{
    struct run_options options;
    struct complaint why;
    int status = EXIT_HELD;
    run_options_default(&options);
    if (!run_options_parse(&options, argc, argv, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        status = EXIT_INVALID;
    } else if (options.help) {
        run_options_help(stdout);
    } else if (options.version) {
        puts("loadtest " TANDEM_VERSION);
    } else {
        status = measure_and_tell(&options, command);
    }
    run_options_free(&options);
    return status;
}
