/*
 * engine.c — starts the workers, waits for them, adds up what they found.
 */
#include "engine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../units.h"
#include "resident.h"
#include "worker.h"

#define CONNECT_LEAD_NS (20 * NS_PER_MS)      /* to connect before the first request is due … */
#define CONNECT_LEAD_EACH_NS (50 * NS_PER_US) /* … plus this for each connection */
#define HANDSHAKE_LEAD_NS (2 * NS_PER_MS)     /* … and this, when they speak TLS */

struct engine {
    const struct engine_plan *plan;
    struct timeline *timeline;
    struct worker *workers;
    pthread_t *threads;
    unsigned started; /* threads */
    unsigned running; /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    atomic_bool stop;
    int64_t measure_ns;
};

/* What a thread is given. */
struct post {
    struct engine *engine;
    struct worker *worker;
};

static void *thread_main(void *argument)
{
    struct post *post = argument;
    struct engine *e = post->engine;
    worker_run(post->worker);
    free(post);
    pthread_mutex_lock(&e->lock);
    e->running--;
    pthread_cond_signal(&e->ended);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void discard(struct engine *e)
{
    for (unsigned i = 0; e->workers && i < e->plan->threads; i++)
        worker_release(&e->workers[i]);
    free(e->workers);
    free(e->threads);
    pthread_cond_destroy(&e->ended);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static struct engine *create(const struct engine_plan *plan, struct timeline *timeline)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->plan = plan;
    e->timeline = timeline;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&e->lock, NULL);
    e->threads = calloc(plan->threads, sizeof *e->threads);
    if (e->threads) /* so that workers who are there will be prepared, and can be released */
        e->workers = resident_alloc(plan->threads, sizeof *e->workers);
    if (e->workers)
        return e;
    discard(e);
    return NULL;
}

/* All workers share one time table, so that their seconds coincide. */
static bool prepare_workers(struct engine *e)
{
    const struct engine_plan *plan = e->plan;
    int64_t each = CONNECT_LEAD_EACH_NS + (plan->tls ? HANDSHAKE_LEAD_NS : 0);
    int64_t start = now_ns() + CONNECT_LEAD_NS + plan->connections * each;
    e->measure_ns = start + plan->warmup_ns;
    bool good = true;
    for (unsigned i = 0; i < plan->threads; i++) {
        struct worker *w = &e->workers[i];
        w->plan = plan;
        w->timeline = e->timeline;
        w->stop = &e->stop;
        w->index = i;
        w->start_ns = start;
        w->measure_ns = e->measure_ns;
        good &= worker_prepare(w);
    }
    return good && timeline_init(e->timeline, e->measure_ns);
}

/* Signals are the main thread's business: the workers are born with all of them blocked. */
static bool launch(struct engine *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    e->running = e->plan->threads;
    for (; e->started < e->plan->threads; e->started++) {
        struct post *post = malloc(sizeof *post);
        if (!post)
            break;
        *post = (struct post){e, &e->workers[e->started]};
        if (pthread_create(&e->threads[e->started], NULL, thread_main, post) != 0) {
            free(post);
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e->started == e->plan->threads;
}

struct engine *engine_start(const struct engine_plan *plan, struct timeline *timeline,
                            struct complaint *why)
{
    struct engine *e = create(plan, timeline);
    if (e && prepare_workers(e)) {
        if (launch(e))
            return e;
        engine_stop(e);
        for (unsigned i = 0; i < e->started; i++)
            pthread_join(e->threads[i], NULL);
        timeline_free(timeline);
    }
    if (e)
        discard(e);
    complain(why,
             "could not start %u threads with %u connections: memory or descriptors ran out; "
             "ask for fewer with -t and -c",
             plan->threads, plan->connections);
    return NULL;
}

int64_t engine_measure_ns(const struct engine *e)
{
    return e->measure_ns;
}

bool engine_wait(struct engine *e, int64_t until)
{
    struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    int error = 0;
    pthread_mutex_lock(&e->lock);
    while (e->running > 0 && error == 0)
        error = pthread_cond_timedwait(&e->ended, &e->lock, &t);
    bool over = e->running == 0;
    pthread_mutex_unlock(&e->lock);
    return over;
}

void engine_stop(struct engine *e)
{
    atomic_store(&e->stop, true);
}

/* The run's length: as planned, or up to the moment it was stopped, or to the last answer. */
static double length_s(const struct engine *e, int64_t end, int64_t last_done)
{
    int64_t last = end == INT64_MAX || e->plan->requests != UINT64_MAX ? last_done : end;
    return last > e->measure_ns ? (double)(last - e->measure_ns) / 1e9 : 0;
}

void engine_finish(struct engine *e, struct tally *measured, struct tally *warmup,
                   struct engine_facts *facts)
{
    int64_t end = INT64_MIN, last_done = INT64_MIN;
    *facts = (struct engine_facts){.stopped_early = atomic_load(&e->stop)};
    for (unsigned i = 0; i < e->started; i++) {
        pthread_join(e->threads[i], NULL);
        struct worker *w = &e->workers[i];
        tally_merge(measured, w->measured);
        tally_merge(warmup, w->warmup);
        end = w->end_ns > end ? w->end_ns : end;
        last_done = w->last_done_ns > last_done ? w->last_done_ns : last_done;
        double percent =
            w->wall_ns > 0 ? 100.0 * (double)(w->cpu_ns - w->spun_ns) / (double)w->wall_ns : 0;
        facts->cpu_percent = percent > facts->cpu_percent ? percent : facts->cpu_percent;
        facts->cpu_seconds += (double)w->cpu_ns / 1e9;
        facts->backlog += w->backlog;
    }
    facts->seconds = length_s(e, end, last_done);
    timeline_finish(e->timeline);
    discard(e);
}
