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
#include "process_fault.h"
#include "progress.h"
#include "report.h"
#include "stage.h"
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

/* Does what is due, and returns when to look again. */
static int64_t do_faults(struct process_faults *faults, struct result *r, int64_t start)
{
    int64_t now = now_ns();
    while (process_faults_next_ns(faults) <= now) {
        const char *kind = process_faults_act(faults, now);
        if (kind)
            result_mark(r, now - start, kind);
    }
    int64_t next = process_faults_next_ns(faults);
    return next < now + LOOK_NS ? next : now + LOOK_NS;
}

/* Waits for the run to end, telling about each second as it passes. */
static void watch(struct engine *engine, struct result *r, struct process_faults *faults,
                  struct progress *progress, bool warmup)
{
    struct timeline *timeline = &r->timeline;
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
        if (engine_wait(engine, do_faults(faults, r, start)))
            break;
        if (interrupted())
            engine_stop(engine);
    }
    process_faults_end(faults);
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
    for (size_t i = 0; i < o->injection_count; i++)
        r->share += o->injections[i].share;
    r->steady = o->steady;
}

/* Unless the caller knows better, the warm-up is the steady run to compare with. */
static void learn_steady(struct result *r, int64_t warmup_ns)
{
    if (r->steady.p99_us > 0 || warmup_ns <= 0 || r->warmup->corrected.total == 0)
        return;
    r->steady.p99_us = hist_quantile_us(&r->warmup->corrected, 0.99);
    r->steady.rps = (double)r->warmup->ok_in_time / ((double)warmup_ns / 1e9);
    r->steady.success = ledger_success(&r->warmup->ledger);
    r->steady.source = "the warm-up";
}

/* Poisoned requests are the engine's business; processes are ours. */
static size_t pick_requests(const struct run_options *o, struct injection *requests)
{
    size_t count = 0;
    for (size_t i = 0; i < o->injection_count; i++)
        if (o->injections[i].level == FAULT_REQUEST)
            requests[count++] = o->injections[i];
    return count;
}

/* The moments of poisoned requests: the engine keeps to the time table, and so do the marks. */
static void mark_requests(struct result *r, const struct injection *requests, size_t count)
{
    int64_t length_ns = (int64_t)(r->facts.seconds * 1e9);
    for (size_t i = 0; i < count; i++) {
        int64_t every = requests[i].every_ns ? requests[i].every_ns : INT64_MAX / 2;
        if (requests[i].share > 0)
            continue;
        for (int64_t at = requests[i].first_ns; at < length_ns; at += every)
            result_mark(r, at, requests[i].kind);
    }
}

static void measure(struct engine *engine, const struct engine_plan *plan,
                    const struct run_options *o, const char *label, struct result *r)
{
    struct progress progress;
    struct process_faults faults;
    progress_init(&progress, !o->quiet, label);
    int64_t start = engine_measure_ns(engine);
    int64_t end = o->duration_ns == INT64_MAX ? INT64_MAX : start + o->duration_ns;
    process_faults_init(&faults, o->subject, o->injections, o->injection_count, o->seed, start,
                        end);
    watch(engine, r, &faults, &progress, plan->warmup_ns > 0);
    engine_finish(engine, r->tally, r->warmup, &r->facts);
    r->trouble = faults.trouble;
    struct complaint why;
    if (o->server_metrics && !reconcile_after(o->server_metrics, &r->server, &why) &&
        !r->trouble.text[0])
        r->trouble = why;
    mark_requests(r, plan->target->injections, plan->target->injection_count);
    learn_steady(r, plan->warmup_ns);
    result_conclude(r);
}

bool run_measure(const struct run_options *o, const char *label, struct result *result,
                 struct complaint *why)
{
    struct target target;
    struct injection requests[MAX_INJECTIONS];
    size_t request_count = pick_requests(o, requests);
    memset(result, 0, sizeof *result);
    if (!ensure_descriptors(o->connections, why) ||
        !target_build(&target, o->urls, o->url_count, requests, request_count, &o->dress, why))
        return false;
    if (o->server_metrics && !reconcile_before(o->server_metrics, &result->server, why)) {
        target_free(&target);
        return false;
    }
    struct engine_plan plan = make_plan(o, &target);
    describe(result, o, plan.threads);
    result->tally = calloc(1, sizeof *result->tally);
    result->warmup = calloc(1, sizeof *result->warmup);
    struct engine *engine = NULL;
    if (result->tally && result->warmup)
        engine = engine_start(&plan, &result->timeline, why);
    else
        complain(why, "out of memory");
    if (engine)
        measure(engine, &plan, o, label, result);
    else
        result_free(result);
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
                o->urls[0]);
    return status;
}

/* The run and what is told about it, with the server of --start up for as long as it takes. */
static int run_on_stage(struct run_options *o, const char *command, FILE *json)
{
    struct stage stage;
    struct complaint why;
    struct result result;
    bool open = stage_open(&stage, o, &why);
    bool good = open && run_measure(o, NULL, &result, &why);
    int status = EXIT_INVALID;
    if (open)
        stage_stop(&stage);
    if (good) {
        result.command = command;
        status = tell(o, &result, json);
        result_free(&result);
    } else {
        fprintf(stderr, "loadtest: %s\n", why.text);
    }
    if (open)
        stage_close(&stage);
    return status;
}

int run_main(int argc, char *const *argv, const char *command)
{
    struct run_options options;
    struct complaint why;
    FILE *json = NULL;
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
    if (!good || !open_json(options.json, &json, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    return run_on_stage(&options, command, json);
}
