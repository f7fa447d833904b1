/*
 * metrics.c — /metrics: the figures, for Prometheus. A counter never falls while the server lives.
 */
#include "admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "../model.h"
#include "exposition.h"
#include "figures.h"

enum {
    METRICS_LIMIT = 4 << 20 /* bytes; all rows of all routes are less, however long their names */
};
enum { LABELS_SIZE = 2 * ROUTE_NAME + 64 };

static void tell_server(struct buf *out)
{
    const struct server *s = admin.server;
    int64_t booted = s->board->booted;
    char labels[256];
    snprintf(labels, sizeof labels, "program=\"%s\",version=\"%s\",isolation=\"%s\"", model_program,
             TANDEM_VERSION, admin_isolation());
    expose_family(out, "tandem_info", "gauge", "Which server this is; always 1.");
    expose_sample(out, "tandem_info", labels, 1);
    if (booted <= 0 || booted > INT64_MAX / 1000)
        return;
    expose_family(out, "tandem_process_start_time_seconds", "gauge",
                  "When the server was started, in seconds since 1970.");
    expose_seconds(out, "tandem_process_start_time_seconds", "", (uint64_t)booted * 1000);
    expose_gauge(out, "tandem_draining", "Whether the server ends, and /readyz says so.",
                 atomic_load(&s->board->draining) != 0);
}

/* --- requests --- */

static void tell_codes(struct buf *out, const struct figures *f)
{
    static const char name[] = "tandem_responses_total";
    char route[2 * ROUTE_NAME], labels[LABELS_SIZE];
    expose_family(
        out, name, "counter",
        "Answers by route and status; (none): no route, (admin): of --admin, (refused): to "
        "what was no whole request.");
    for (size_t i = 0; i < f->route_count; i++) {
        expose_escape(f->routes[i].name, route);
        for (unsigned code = 0; code < TALLY_CODES; code++) {
            const char *word = tally_code_name(code);
            if (!word || f->routes[i].codes[code] == 0)
                continue;
            snprintf(labels, sizeof labels, "route=\"%s\",code=\"%s\"", route, word);
            expose_sample(out, name, labels, f->routes[i].codes[code]);
        }
    }
}

static void tell_killed(struct buf *out, const struct figures *f)
{
    static const char name[] = "requests_killed_total";
    char route[2 * ROUTE_NAME], labels[LABELS_SIZE];
    expose_family(out, name, "counter", "Requests whose handler was ended, by cause and route.");
    for (size_t i = 0; i < f->route_count; i++) {
        expose_escape(f->routes[i].name, route);
        for (int cause = 0; cause < CAUSES; cause++) {
            if (f->routes[i].killed[cause] == 0)
                continue;
            snprintf(labels, sizeof labels, "cause=\"%s\",route=\"%s\"",
                     cause_word((enum cause)cause), route);
            expose_sample(out, name, labels, f->routes[i].killed[cause]);
        }
    }
}

static void tell_quarantine(struct buf *out, const struct figures *f)
{
    static const char name[] = "tandem_route_quarantined";
    char route[2 * ROUTE_NAME], labels[LABELS_SIZE];
    expose_family(out, name, "gauge",
                  "Whether requests for this route are refused now; for routes that have killed.");
    for (size_t i = 0; i < f->route_count; i++) {
        if (!f->routes[i].has_killed)
            continue;
        snprintf(labels, sizeof labels, "route=\"%s\"", expose_escape(f->routes[i].name, route));
        expose_sample(out, name, labels, f->routes[i].is_aside);
    }
}

static void tell_requests(struct buf *out, const struct figures *f)
{
    static const char duration[] = "tandem_request_duration_seconds";
    expose_counter(out, "tandem_requests_total",
                   "Whole requests that were answered, by a worker or in the place of a dead one.",
                   f->answered);
    expose_counter(out, "tandem_requests_refused_total",
                   "Answers to what was no whole request: malformed, too large, too slow, one too "
                   "many.",
                   f->refused);
    tell_codes(out, f);
    expose_family(out, duration, "histogram",
                  "From the call of the handler to its answer; those of --admin left out.");
    expose_histogram(out, duration, "", &f->sum.durations);
    expose_gauge(out, "tandem_requests_in_flight",
                 "Requests whose handler runs, this one included.", f->running);
    tell_killed(out, f);
    tell_quarantine(out, f);
}

/* --- workers --- */

static void tell_births(struct buf *out, const struct figures *f)
{
    static const char name[] = "tandem_fork_duration_seconds";
    expose_family(out, name, "histogram",
                  "What it took to make a worker (in server-thread a thread, else by order to the "
                  "nursery), or the child of one request.");
    expose_histogram(out, name, "kind=\"worker\"", &f->sum.births);
    if (admin.server->spares)
        expose_histogram(out, name, "kind=\"spare\"", &admin.server->spares->births);
}

static void tell_workers(struct buf *out, const struct figures *f)
{
    char labels[64];
    expose_family(
        out, "tandem_workers", "gauge",
        "Workers, by what they do; a lost one is a thread that was robbed of its request.");
    for (int state = WORKER_WAITING; state <= WORKER_LOST; state++) {
        snprintf(labels, sizeof labels, "state=\"%s\"",
                 worker_state_word((enum worker_state)state));
        expose_sample(out, "tandem_workers", labels, f->by_state[state]);
    }
    expose_counter(out, "tandem_worker_deaths_total",
                   "Workers that died, and in fresh their children.", f->deaths);
    expose_counter(out, "tandem_workers_recycled_total",
                   "Workers that were replaced in good health.", f->recycled);
    expose_seconds_total(out, "tandem_worker_wait_seconds_total",
                         "Time for which events waited and no worker was free, by samples.",
                         f->sum.worker_wait);
    tell_births(out, f);
}

static void tell_spares(struct buf *out, const struct figures *f)
{
    struct spare_figures *s = admin.server->spares;
    if (!s)
        return;
    expose_family(out, "tandem_spares", "gauge",
                  "Children kept for single requests, as last seen.");
    expose_sample(out, "tandem_spares", "state=\"ready\"", atomic_load(&s->ready));
    expose_sample(out, "tandem_spares", "state=\"busy\"", atomic_load(&s->busy));
    expose_family(out, "tandem_spare_wait_seconds", "summary",
                  "For how long requests have waited until a child was free.");
    expose_seconds(out, "tandem_spare_wait_seconds_sum", "", f->sum.spare_wait);
    expose_sample(out, "tandem_spare_wait_seconds_count", "", f->sum.spare_waits);
}

/* --- connections --- */

static void tell_tls(struct buf *out)
{
    static const char name[] = "tandem_tls_handshakes_total";
    struct tls_figures *t = admin.server->tls;
    if (!t)
        return;
    expose_family(out, name, "counter", "TLS handshakes, by what became of them.");
    expose_sample(out, name, "result=\"full\"", atomic_load(&t->full));
    expose_sample(out, name, "result=\"resumed\"", atomic_load(&t->resumed));
    expose_sample(out, name, "result=\"failed\"", atomic_load(&t->failed));
    expose_gauge(out, "tandem_tls_connections", "Open connections by TLS.",
                 atomic_load(&t->connections));
    if (model_isolates)
        expose_counter(out, "tandem_tls_gate_deaths_total", "Gates that died and were replaced.",
                       atomic_load(&t->gate_deaths));
}

static void tell_connections(struct buf *out, const struct figures *f)
{
    static const char by_state[] = "tandem_connections_by_state";
    const struct scoreboard *b = admin.server->board;
    char labels[64];
    expose_gauge(out, "tandem_connections", "Open connections.", f->connections);
    expose_family(out, by_state, "gauge", "Open connections, by what they are at, as last seen.");
    for (int state = 0; state < CONN_STATES; state++) {
        snprintf(labels, sizeof labels, "state=\"%s\"", conn_state_word((enum conn_state)state));
        expose_sample(out, by_state, labels, f->conns[state]);
    }
    expose_gauge(out, "tandem_spooled_bytes", "Bodies that wait in descriptors.",
                 atomic_load(&b->spooled));
    expose_counter(out, "tandem_descriptors_swept_total",
                   "Descriptors that were left open, and closed.", atomic_load(&b->swept));
    expose_counter(out, "tandem_slots_unsound_total",
                   "Slots of the connection table that were found scribbled over.",
                   atomic_load(&b->unsound));
}

static void tell_logs(struct buf *out)
{
    static const char name[] = "tandem_log_dropped_total";
    const struct scoreboard *b = admin.server->board;
    expose_family(out, name, "counter", "Lines that a log lacks.");
    expose_sample(out, name, "log=\"access\"", atomic_load(&b->dropped.access));
    expose_sample(out, name, "log=\"error\"", atomic_load(&b->dropped.error));
}

/* What the machine pays. A sandbox may keep /proc from us: then nothing is said. */
static void tell_costs(struct buf *out, const struct figures *f)
{
    if (f->knows_cpu)
        expose_seconds_total(out, "tandem_cpu_seconds_total",
                             "CPU time of all processes of this server, the dead included.",
                             f->cpu * 1000);
    if (f->pss > 0)
        expose_gauge(out, "tandem_memory_pss_bytes",
                     "Memory of all workers, as they last told; a page is divided among those who "
                     "share it.",
                     f->pss);
    expose_counter(out, "tandem_minor_faults_total",
                   "Pages that workers, and in fresh their children, were given or had to copy "
                   "first; the living tell every few seconds.",
                   f->sum.faults);
}

int metrics(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    struct figures *f = figures_take();
    if (!f)
        return 503;
    struct buf text;
    buf_init(&text, METRICS_LIMIT);
    tell_server(&text);
    tell_requests(&text, f);
    tell_workers(&text, f);
    tell_spares(&text, f);
    tell_connections(&text, f);
    tell_logs(&text);
    tell_tls(&text);
    tell_costs(&text, f);
    free(f);
    response_type(res, EXPOSITION_TYPE);
    bool is_whole = !text.failed && response_write(res, text.data, text.len);
    buf_free(&text);
    return is_whole ? 0 : 500;
}
