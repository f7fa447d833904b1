/*
 * measure.c — what to send → when and how → the sum.
 *
 * The main thread has nothing to send. It looks at the clock: for each second that is over it tells
 * the panel and the log, for each fault on processes that is due it does it, and it looks for ^C.
 */
#include "measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/engine.h"
#include "engine/mischief.h"
#include "engine/tls.h"
#include "hlog/runlog.h"
#include "interrupt.h"
#include "machine.h"
#include "report/progress.h"
#include "server/process_fault.h"
#include "target/lookup.h"
#include "target/target.h"
#include "units.h"

#define RENDERINGS_MAX ((size_t)1 << 30)
#define LOOK_NS (50 * NS_PER_MS) /* how often ^C is looked for */

/* --- before --- */

/* Leaves one CPU to a server on the same machine. */
static unsigned choose_threads(const struct run_options *o)
{
    unsigned cpus = usable_cpus();
    unsigned n = o->threads ? o->threads : cpus > 1 ? cpus - 1 : 1;
    return n < o->connections ? n : o->connections;
}

/* A descriptor for each connection, of the load and of the wire faults beside it; for each thread its
 * epoll, and that of its faults. */
static bool ensure_descriptors(const struct engine_plan *plan, struct complaint *why)
{
    unsigned faults = target_needs_gang(plan->target) ? plan->threads * GANG_SIZE : 0;
    unsigned connections = plan->connections + faults;
    struct rlimit limit;
    rlim_t need = connections + 2 * plan->threads + 64;
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

/* Poisoned requests and connections are the engine's business; processes are ours. */
static size_t pick_requests(const struct run_options *o, struct injection *requests)
{
    size_t count = 0;
    for (size_t i = 0; i < o->injection_count; i++)
        if (o->injections[i].level != FAULT_PROCESS)
            requests[count++] = o->injections[i];
    return count;
}

/* The URLs of the command line, which all weigh the same, and those of --urls. */
static bool build_target(struct target *target, const struct run_options *o, struct complaint *why)
{
    struct injection requests[MAX_INJECTIONS];
    size_t request_count = pick_requests(o, requests);
    size_t count = o->url_count + o->listed.count;
    struct aim *aims = calloc(count, sizeof *aims);
    if (!aims)
        return complain(why, "out of memory");
    for (size_t i = 0; i < o->url_count; i++)
        aims[i] = (struct aim){.url = o->urls[i], .weight = 1};
    for (size_t i = 0; i < o->listed.count; i++)
        aims[o->url_count + i] = o->listed.aims[i];
    bool good =
        target_build(target, aims, count, requests, request_count, &o->dress, o->connections, why);
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
    for (size_t i = 0; i < o->injection_count; i++)
        r->share += o->injections[i].share;
    r->steady = o->steady;
}

/* --- meanwhile --- */

/* Does what is due, and returns when to look again. */
static int64_t do_faults(struct process_faults *faults, struct result *r, struct progress *progress,
                         int64_t start)
{
    int64_t now = now_ns();
    while (process_faults_next_ns(faults) <= now) {
        const char *kind = process_faults_act(faults, now);
        if (!kind)
            continue;
        result_mark(r, now - start, kind);
        progress_mark(progress, now - start, kind);
    }
    int64_t next = process_faults_next_ns(faults);
    return next < now + LOOK_NS ? next : now + LOOK_NS;
}

/* Waits for the run to end, telling about each second as it passes. */
static void watch(struct engine *engine, struct result *r, struct process_faults *faults,
                  struct progress *progress, struct runlog *log)
{
    int64_t start = engine_measure_ns(engine);
    int64_t shown = 0;
    for (;;) {
        int64_t now = now_ns();
        /* A second is shown a little after its end, when all threads have published it. */
        int64_t over = now > start ? (now - start - LOOK_NS) / NS_PER_S : 0;
        for (; shown < over; shown++) {
            progress_second(progress, &r->timeline, shown);
            if (log)
                runlog_follow(log, &r->timeline, shown); /* one later: a thread may be late */
        }
        if (engine_wait(engine, do_faults(faults, r, progress, start)))
            break;
        if (interrupted())
            engine_stop(engine);
    }
    process_faults_end(faults);
    if (now_ns() - start >= (shown + 1) * NS_PER_S) /* the last one ended together with the run */
        progress_second(progress, &r->timeline, shown);
    progress_end(progress);
}

/* --- afterwards --- */

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

/* What the server itself has counted meanwhile; a server that does not say is trouble. */
static void ask_server(struct result *r, const struct run_options *o)
{
    struct complaint why;
    if (o->server_metrics && !reconcile_after(o->server_metrics, &r->server, &why) &&
        !r->trouble.text[0])
        r->trouble = why;
}

static void measure(struct engine *engine, const struct engine_plan *plan,
                    const struct run_options *o, const char *label, struct result *r)
{
    struct progress progress;
    struct process_faults faults;
    int64_t start = engine_measure_ns(engine);
    int64_t end = o->duration_ns == INT64_MAX ? INT64_MAX : start + o->duration_ns;
    process_faults_init(&faults, o->subject, o->injections, o->injection_count, o->seed, start,
                        end);
    progress_init(&progress, !o->quiet, label, o->duration_ns);
    if (plan->warmup_ns > 0)
        progress_phase(&progress, "warming up");
    if (o->log)
        runlog_begin(o->log, start);
    watch(engine, r, &faults, &progress, o->log);
    engine_finish(engine, r->tally, r->warmup, &r->facts);
    if (o->log)
        runlog_finish(o->log, &r->timeline, r->tally, r->facts.seconds);
    r->trouble = faults.trouble;
    ask_server(r, o);
    mark_requests(r, plan->target->injections, plan->target->injection_count);
    learn_steady(r, plan->warmup_ns);
    result_conclude(r);
}

/* Starts the engine and stays until it has ended; false: it did not start. */
static bool run_engine(const struct engine_plan *plan, const struct run_options *o,
                       const char *label, struct result *r, struct complaint *why)
{
    describe(r, o, plan->threads);
    r->tally = calloc(1, sizeof *r->tally);
    r->warmup = calloc(1, sizeof *r->warmup);
    struct engine *engine = NULL;
    if (r->tally && r->warmup)
        engine = engine_start(plan, &r->timeline, why);
    else
        complain(why, "out of memory");
    if (engine)
        measure(engine, plan, o, label, r);
    else
        result_free(r);
    return engine != NULL;
}

bool run_measure(const struct run_options *o, const char *label, struct result *result,
                 struct complaint *why)
{
    struct target target;
    memset(result, 0, sizeof *result);
    if (!build_target(&target, o, why))
        return false;
    struct engine_plan plan = make_plan(o, &target);
    bool good = ensure_descriptors(&plan, why);
    if (good && target_needs_tls(&target))
        good = (plan.tls = tls_context_new(&o->tls, why)) != NULL;
    if (good && o->server_metrics)
        good = reconcile_before(o->server_metrics, &result->server, why);
    struct lookup *lookup = NULL;
    if (good && o->resolve_ns > 0)
        good = (lookup = lookup_start(&target, o->resolve_ns, why)) != NULL;
    good = good && run_engine(&plan, o, label, result, why);
    lookup_stop(lookup);
    tls_context_free(plan.tls);
    target_free(&target);
    return good;
}
