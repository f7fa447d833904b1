/*
 * worker.c — the loop: take what epoll brings, refill the connections it freed, mind the clock.
 *
 * In the closed loop a connection is refilled the moment its answer is in; in the open loop the
 * same code runs, but the pacer hands out a request only when one is due, and connections with
 * nothing to do wait in the ready queue.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../machine.h"
#include "../units.h"
#include "resident.h"

enum { EVENTS = 256, INPUT_SIZE = 64 * 1024 };
#define SWEEP_NS (10 * NS_PER_MS) /* how often time-outs and the stop flag are looked at */
#define SPIN_NS (50 * NS_PER_US)  /* how long before a request is due the open loop is awake */
#define DRAIN_NS NS_PER_S         /* how long answers may take after the end of the run */

/* ── Bookkeeping: the clients call these ───────────────────────────────────────────────────────*/

static void roll_second(struct worker *w, int64_t now)
{
    if (!w->measuring || now < w->second.ends_ns || w->second.ends_ns >= w->end_ns)
        return;
    timeline_publish(w->timeline, &w->second);
    second_start(&w->second, w->timeline, now);
}

static void on_ended(void *context, const struct flight *flight, const struct landing *landing)
{
    struct worker *w = context;
    struct sample sample = {.party = flight->shot->party,
                            .outcome = landing->outcome,
                            .status = landing->status,
                            .wire = flight->shot->mischief != NULL,
                            .due_ns = flight->due_ns,
                            .sent_ns = flight->sent_ns,
                            .first_ns = landing->first_ns,
                            .done_ns = landing->done_ns};
    w->aboard--;
    if (!flight->measured) {
        tally_add(w->warmup, &sample, w->measure_ns);
        return;
    }
    tally_add(w->measured, &sample, w->end_ns);
    roll_second(w, sample.done_ns);
    if (!sample.wire) /* the run is not the longer for somebody who waits on purpose */
        w->last_done_ns = sample.done_ns;
    if (sample.party == INJECTED)
        w->second.row.injected++;
    else if (sample.outcome == OUTCOME_OK)
        second_served(&w->second, sample.done_ns, sample.done_ns - sample.due_ns);
    else
        second_failed(&w->second, sample.done_ns);
}

static void on_shaken(void *context, const struct handshake *h)
{
    struct worker *w = context;
    tally_add_handshake(w->measured, h, w->measure_ns, w->end_ns);
    if (!w->measuring)
        return;
    roll_second(w, h->done_ns);
    if (h->resumed)
        w->second.row.tls_resumed++;
    else
        w->second.row.tls_full++;
}

static void on_opened(void *context, int64_t took)
{
    struct worker *w = context;
    w->measured->connections++;
    hist_add_ns(&w->measured->connect, took);
}

static void on_settled(void *context, int status, bool kept)
{
    struct worker *w = context;
    struct injected_fate *fate = &w->measured->fate;
    if (!kept)
        fate->connection_lost++;
    else
        fate->connection_kept++;
    if (kept && status >= 500)
        fate->answered_5xx_kept++;
}

static void on_left(void *context, const struct flight *flight)
{
    struct worker *w = context;
    w->aboard--;
    if (!flight->measured) {
        w->warmup->ledger.unfinished[flight->shot->party]++;
        return;
    }
    w->measured->ledger.unfinished[flight->shot->party]++;
    if (flight->shot->party == INNOCENT)
        hist_add_ns(&w->measured->censored, w->now_ns - flight->due_ns);
}

/* ── Feeding connections ───────────────────────────────────────────────────────────────────────*/

static void push_ready(struct worker *w, unsigned number)
{
    if (w->ready_count == 0)
        w->ready_since_ns = client_free_since_ns(w->seats[number].client);
    unsigned slot = (w->ready_first + w->ready_count++) % w->seat_count;
    w->ready[slot] = number;
    w->seats[number].ready = true;
}

static unsigned pop_ready(struct worker *w)
{
    unsigned number = w->ready[w->ready_first];
    w->ready_first = (w->ready_first + 1) % w->seat_count;
    w->ready_count--;
    w->seats[number].ready = false;
    return number;
}

/* A seat that could not be filled waits: for something to be due, or for its back-off to end. */
static void park(struct worker *w, unsigned number, int64_t now)
{
    struct seat *seat = &w->seats[number];
    if (seat->ready || seat->resting)
        return;
    if (client_room(seat->client, now) > 0) {
        push_ready(w, number);
    } else if (client_retry_ns(seat->client) > now && client_in_flight(seat->client) == 0) {
        seat->resting = true;
        w->resting_count++;
    }
}

/* The open loop's own lateness: the request could have left when it was due and somebody was
 * free. */
static void note_slip(struct worker *w, const struct client *client, int64_t due, int64_t now)
{
    int64_t free_since = client_free_since_ns(client);
    if (w->ready_count > 0 && w->ready_since_ns < free_since)
        free_since = w->ready_since_ns;
    hist_add_ns(&w->measured->slip, now - (due > free_since ? due : free_since));
}

/* A wire fault goes to the gang, which has connections of its own. */
static void do_mischief(struct worker *w, const struct endpoint *endpoint,
                        const struct flight *flight, int64_t now)
{
    struct tally *tally = w->measured;
    if (!gang_has_room(w->gang)) {
        tally->ledger.crowded_out++;
        return;
    }
    w->aboard++;
    tally->ledger.started[INJECTED]++;
    tally->fate.wire++;
    gang_start(w->gang, endpoint, flight, now);
}

/* Puts up to `most` due requests aboard, and sends them. */
static void feed(struct worker *w, unsigned number, unsigned most, int64_t now)
{
    struct client *client = w->seats[number].client;
    unsigned room = client_room(client, now);
    int64_t due;
    for (unsigned i = 0; i < room && i < most && pacer_take(&w->pacer, now, &due); i++) {
        const struct endpoint *endpoint = client_endpoint(client);
        struct flight flight = {.due_ns = due, .measured = w->measuring, .seq = w->next_seq};
        w->next_seq += w->plan->threads;
        flight.shot = w->measuring ? chooser_next(&w->chooser, endpoint, due - w->measure_ns)
                                   : chooser_next_innocent(&w->chooser, endpoint);
        if (flight.shot->mischief) {
            do_mischief(w, endpoint, &flight, now);
            continue;
        }
        if (w->measuring) {
            w->measured->ledger.started[flight.shot->party]++;
            if (w->open_loop)
                note_slip(w, client, due, now);
        }
        w->aboard++;
        client_put(client, &flight);
    }
    client_flush(client, now);
    park(w, number, now);
}

/* Gives due requests to waiting connections, one each in turn. */
static void dispatch(struct worker *w)
{
    int64_t now = w->now_ns;
    for (unsigned i = w->ready_count; i > 0 && w->ready_count > 0; i--) {
        if (w->open_loop)
            now = now_ns();
        if (pacer_next_ns(&w->pacer, now) > now)
            return;
        feed(w, pop_ready(w), w->open_loop ? 1 : UINT32_MAX, now);
    }
}

static void wake_rested(struct worker *w)
{
    if (w->resting_count == 0)
        return;
    for (unsigned i = 0; i < w->seat_count; i++) {
        struct seat *seat = &w->seats[i];
        if (!seat->resting || client_retry_ns(seat->client) > w->now_ns)
            continue;
        seat->resting = false;
        w->resting_count--;
        park(w, i, w->now_ns);
    }
}

/* ── The clock ─────────────────────────────────────────────────────────────────────────────────*/

/* The warm-up has the mean rate of the first stage: a ramp from 0 would not warm anything. */
static void begin_warmup(struct worker *w)
{
    const struct schedule *plan = &w->plan->schedule;
    if (w->open_loop)
        schedule_constant(&w->warmup_schedule, (plan->stages[0].from + plan->stages[0].to) / 2);
    w->warmup_schedule.poisson = plan->poisson;
    pacer_init(&w->pacer, &w->warmup_schedule, w->plan->threads, w->index, w->plan->seed);
    pacer_open(&w->pacer, w->start_ns, w->measure_ns, UINT64_MAX);
}

static void begin_measuring(struct worker *w)
{
    uint64_t quota = w->plan->requests;
    if (quota != UINT64_MAX) /* the first threads take one more each when it does not divide */
        quota = quota / w->plan->threads + (w->index < quota % w->plan->threads);
    pacer_init(&w->pacer, &w->plan->schedule, w->plan->threads, w->index, w->plan->seed);
    pacer_open(&w->pacer, w->measure_ns, w->end_ns, quota);
    /* However long the warm-up took, the choices are those that follow from the seed. */
    chooser_init(&w->chooser, w->plan->target, w->plan->seed, w->index);
    second_start(&w->second, w->timeline, w->measure_ns);
    w->measuring = true;
    w->crew.bytes = 0;
    w->cpu_ns = thread_cpu_ns();
    w->spun_ns = 0;
    w->wall_ns = w->now_ns;
    w->last_done_ns = w->now_ns;
}

static void begin_draining(struct worker *w)
{
    w->draining = true;
    w->cpu_ns = w->measuring ? thread_cpu_ns() - w->cpu_ns : 0;
    w->spun_ns = w->measuring ? w->spun_ns : 0;
    w->wall_ns = w->measuring ? w->now_ns - w->wall_ns : 0;
}

/* How far the connections are behind the schedule. What is due at this very moment is no delay. */
static void note_backlog(struct worker *w)
{
    uint64_t backlog = pacer_backlog(&w->pacer, w->now_ns);
    if (w->measuring && !w->draining && w->ready_count == 0 && backlog > w->backlog)
        w->backlog = backlog;
}

static void sweep(struct worker *w)
{
    if (w->now_ns < w->sweep_ns)
        return;
    w->sweep_ns = w->now_ns + SWEEP_NS;
    note_backlog(w);
    if (atomic_load(w->stop) && w->end_ns > w->now_ns) {
        w->end_ns = w->now_ns;
        w->pacer.end_ns = w->now_ns;
    }
    for (unsigned i = 0; i < w->seat_count; i++) {
        client_check_deadline(w->seats[i].client, w->now_ns);
        park(w, i, w->now_ns);
    }
    if (w->gang)
        gang_check(w->gang, w->now_ns);
}

/* Returns false when the run is over for this thread. */
static bool mind_the_clock(struct worker *w)
{
    w->now_ns = now_ns();
    if (!w->measuring && !w->draining && w->now_ns >= w->measure_ns)
        begin_measuring(w);
    roll_second(w, w->now_ns);
    sweep(w);
    bool all_taken = w->measuring && w->pacer.taken >= w->pacer.quota;
    if (!w->draining && (w->now_ns >= w->end_ns || (all_taken && w->aboard == 0)))
        begin_draining(w);
    if (!w->draining)
        return true;
    int64_t grace = w->plan->timeout_ns < DRAIN_NS ? w->plan->timeout_ns : DRAIN_NS;
    return w->aboard > 0 && (w->end_ns == INT64_MAX || w->now_ns < w->end_ns + grace);
}

/* Until when epoll may sleep. */
static int64_t next_wake_ns(const struct worker *w)
{
    int64_t wake = w->sweep_ns;
    int64_t due = w->ready_count > 0 ? pacer_next_ns(&w->pacer, w->now_ns) : INT64_MAX;
    wake = due < wake ? due : wake;
    if (w->resting_count > 0 && w->now_ns + NS_PER_MS < wake)
        wake = w->now_ns + NS_PER_MS;
    if (!w->measuring && w->measure_ns < wake)
        wake = w->measure_ns;
    return wake;
}

/* Looks at epoll without sleeping, and counts the time of it when there was nothing to see. */
static int look_for_events(struct worker *w, struct epoll_event *events)
{
    int64_t before = now_ns();
    int n = epoll_wait(w->crew.epoll, events, EVENTS, 0);
    int64_t spent = n == 0 ? now_ns() - before : 0;
    if (spent < SPIN_NS &&
        !w->draining) /* else somebody else had the CPU, or it is not looked at */
        w->spun_ns += spent;
    return n;
}

/* A sleeper is woken late (here 50 to 100 µs: timer, idle CPU, scheduler), so the open loop gets up
 * a little before a request is due, and stays up when that is soon. */
static int wait_for_events(struct worker *w, struct epoll_event *events)
{
    static atomic_bool coarse; /* old kernels and strict sandboxes know milliseconds only */
    int64_t sleep = next_wake_ns(w) - w->now_ns;
    if (sleep <= 0 || sleep <= w->spin_ns)
        return look_for_events(w, events);
    sleep -= w->spin_ns;
    if (!atomic_load_explicit(&coarse, memory_order_relaxed)) {
        struct timespec t = {.tv_sec = sleep / NS_PER_S, .tv_nsec = sleep % NS_PER_S};
        int n = epoll_pwait2(w->crew.epoll, events, EVENTS, &t, NULL);
        if (n >= 0 || errno == EINTR)
            return n;
        atomic_store_explicit(&coarse, true, memory_order_relaxed);
    }
    return epoll_wait(w->crew.epoll, events, EVENTS, (int)(sleep / NS_PER_MS));
}

static void loop(struct worker *w)
{
    struct epoll_event events[EVENTS];
    while (mind_the_clock(w)) {
        wake_rested(w);
        dispatch(w);
        int n = wait_for_events(w, events);
        if (n > 0)
            w->now_ns = now_ns();
        for (int i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;
            if (!client) {
                gang_on_event(w->gang);
                continue;
            }
            client_on_event(client, events[i].events);
            int64_t freed = client_free_since_ns(client);
            feed(w, client_seat(client), UINT32_MAX, freed > w->now_ns ? freed : w->now_ns);
        }
    }
}

/* ── Beginning and end ─────────────────────────────────────────────────────────────────────────*/

static void on_never_sent(void *context, int64_t due, uint64_t n)
{
    struct worker *w = context;
    int64_t us = (w->stop_ns - due + NS_PER_US / 2) / NS_PER_US;
    us = us < HIST_MAX_US ? us : HIST_MAX_US;
    hist_add_range(&w->measured->censored, us, us, n);
}

static void close_books(struct worker *w)
{
    struct ledger *ledger = &w->measured->ledger;
    if (w->measuring) {
        w->stop_ns = w->end_ns < w->now_ns ? w->end_ns : w->now_ns;
        ledger->scheduled = w->pacer.taken;
        ledger->never_sent = pacer_close(&w->pacer, w->stop_ns, on_never_sent, w);
        ledger->scheduled += ledger->never_sent;
        ledger->never_sent += ledger->crowded_out; /* taken, and then there was no room */
        timeline_publish(w->timeline, &w->second);
    }
    for (unsigned i = 0; i < w->seat_count; i++)
        client_abandon(w->seats[i].client, on_left);
    if (w->gang)
        gang_abandon(w->gang, on_left);
    w->measured->bytes = w->crew.bytes;
    w->measured->tls = w->crew.tls_facts;
}

void worker_run(struct worker *w)
{
    prctl(PR_SET_TIMERSLACK, 1UL); /* the open loop wants to be woken on time */
    for (unsigned i = 0; i < w->seat_count; i++) {
        client_connect(w->seats[i].client, now_ns());
        park(w, i, now_ns());
    }
    begin_warmup(w);
    loop(w);
    close_books(w);
}

bool worker_prepare(struct worker *w)
{
    const struct engine_plan *plan = w->plan;
    w->next_seq = w->index;
    w->open_loop = schedule_is_open(&plan->schedule);
    if (w->open_loop && usable_cpus() > plan->threads)
        w->spin_ns = SPIN_NS; /* there is a CPU left for others */
    w->seat_count =
        plan->connections / plan->threads + (w->index < plan->connections % plan->threads);
    w->end_ns = plan->duration_ns == INT64_MAX ? INT64_MAX : w->measure_ns + plan->duration_ns;
    w->crew = (struct client_crew){.epoll = epoll_create1(EPOLL_CLOEXEC),
                                   .timeout_ns = plan->timeout_ns,
                                   .reuse = plan->reuse,
                                   .depth = plan->depth,
                                   .room = plan->target->room,
                                   .seed = plan->seed,
                                   .input = malloc(INPUT_SIZE),
                                   .input_size = INPUT_SIZE,
                                   .tls = plan->tls,
                                   .shaken = on_shaken,
                                   .opened = on_opened,
                                   .ended = on_ended,
                                   .settled = on_settled,
                                   .context = w};
    w->seats = calloc(w->seat_count, sizeof *w->seats);
    w->ready = calloc(w->seat_count, sizeof *w->ready);
    w->measured = resident_alloc(1, sizeof *w->measured);
    w->warmup = resident_alloc(1, sizeof *w->warmup);
    if (w->crew.epoll < 0 || !w->crew.input || !w->seats || !w->ready || !w->measured || !w->warmup)
        return false;
    if (target_needs_gang(plan->target) && !(w->gang = gang_new(&w->crew)))
        return false;
    chooser_init(&w->chooser, plan->target, plan->seed, w->index);
    for (unsigned i = 0; i < w->seat_count; i++) {
        size_t n = w->index + (size_t)i * plan->threads;
        w->seats[i].client = client_new(&w->crew, target_endpoint_of(plan->target, n), i);
        if (!w->seats[i].client)
            return false;
    }
    return true;
}

void worker_release(struct worker *w)
{
    for (unsigned i = 0; w->seats && i < w->seat_count; i++)
        client_free(w->seats[i].client);
    gang_free(w->gang);
    if (w->crew.epoll >= 0)
        close(w->crew.epoll);
    free(w->crew.input);
    free(w->seats);
    free(w->ready);
    free(w->measured);
    free(w->warmup);
}
