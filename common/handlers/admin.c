/*
 * admin.c — what a watcher asks: /metrics (is it well?), /healthz (does it live?), /readyz (may it
 * be given work?).
 *
 *      shared memory ──▶ figures: copied once, bounded, cleaned ──▶ text
 *
 * All figures come from memory that a wild worker may have scribbled over. So nothing in it says
 * how far to read, what is no name of ours becomes printable before it is compared or told, and a
 * route that stands there twice is told once: a scrape with two equal lines is refused as a whole.
 *
 * The format is Prometheus' text, version 0.0.4. A counter never falls while the server lives.
 */
#include "../handler.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "../buf.h"
#include "../cpu_time.h"
#include "../footprint.h"
#include "../model.h"
#include "handlers.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { METRICS_LIMIT = 1 << 20 /* bytes; all rows of all routes are a quarter of it */ };

static struct {
    const struct server *server;
    uint64_t memory; /* bytes of this machine: no worker uses more */
} admin;

/* --- the figures ------------------------------------------------------------------------------ */

struct route_figures {
    char name[ROUTE_NAME];
    uint64_t killed[CAUSES];
    bool is_aside;
};

struct figures {
    unsigned workers[WORKER_LOST + 1]; /* by state */
    uint64_t pss;
    struct route_figures routes[LIMIT_ROUTES]; /* those that have killed */
    size_t route_count;
};

/* True when all workers live in the process that answers. */
static bool is_one_process(void)
{
    return !model_isolates || admin.server->options.one;
}

static void count_workers(struct figures *f)
{
    const struct server *s = admin.server;
    for (size_t i = 0; i < s->slots; i++) {
        const struct worker_slot *slot = &s->board->slots[i];
        int state = atomic_load(&slot->state);
        uint64_t pss = atomic_load(&slot->pss);
        if (state <= WORKER_NONE || state > WORKER_LOST)
            continue;
        f->workers[state]++;
        if (pss <= admin.memory)
            f->pss += pss;
    }
    if (is_one_process()) /* then it need not be told, it can be read */
        f->pss = footprint_pss();
}

/* Whatever the slot holds, the name is text: ASCII, and '?' for all that has no picture. */
static void copy_name(const struct route_slot *slot, char name[ROUTE_NAME])
{
    memcpy(name, slot->path, ROUTE_NAME);
    name[ROUTE_NAME - 1] = '\0';
    for (; *name; name++)
        if ((*name < ' ' || *name > '~') && *name != '\n')
            *name = '?';
}

static struct route_figures *figures_of(struct figures *f, const char *name)
{
    size_t i = 0;
    while (i < f->route_count && strcmp(f->routes[i].name, name) != 0)
        i++;
    if (i == f->route_count)
        memcpy(f->routes[f->route_count++].name, name, ROUTE_NAME);
    return &f->routes[i];
}

static void count_route(struct figures *f, const struct route_slot *slot)
{
    struct route_figures r = {.is_aside = quarantine_is_aside(&slot->ward)};
    bool has_killed = false;
    for (int cause = 0; cause < CAUSES; cause++) {
        r.killed[cause] = atomic_load(&slot->killed[cause]);
        has_killed = has_killed || r.killed[cause] > 0;
    }
    if (!has_killed)
        return;
    copy_name(slot, r.name);
    struct route_figures *sum = figures_of(f, r.name);
    for (int cause = 0; cause < CAUSES; cause++)
        sum->killed[cause] += r.killed[cause];
    sum->is_aside = sum->is_aside || r.is_aside;
}

static void count_routes(struct figures *f)
{
    const struct scoreboard *b = admin.server->board;
    unsigned count = atomic_load(&b->route_count);
    for (unsigned i = 0; i < count && i < LIMIT_ROUTES; i++)
        count_route(f, &b->routes[i]);
}

/* --- the text --------------------------------------------------------------------------------- */

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    family(out, name, "gauge", help);
    buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    family(out, name, "counter", help);
    buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

/* Not as floating point: a module may have changed the locale, and with it the decimal point. */
static void seconds(struct buf *out, const char *name, const char *type, const char *help,
                    uint64_t ms)
{
    family(out, name, type, help);
    buf_printf(out, "%s %" PRIu64 ".%03u\n", name, ms / 1000, (unsigned)(ms % 1000));
}

enum { LABEL_SIZE = 2 * ROUTE_NAME };

static const char *label(const char *name, char text[LABEL_SIZE])
{
    char *to = text;
    for (; *name; name++) {
        if (*name == '\\' || *name == '"' || *name == '\n')
            *to++ = '\\';
        *to++ = *name == '\n' ? 'n' : *name;
    }
    *to = '\0';
    return text;
}

static void tell_server(struct buf *out)
{
    const struct server *s = admin.server;
    bool is_fresh = s->options.isolation == ISOLATION_FRESH;
    const char *isolation = is_one_process() ? "none" : is_fresh ? "fresh" : "pool";
    family(out, "tandem_info", "gauge", "Which server this is; always 1.");
    buf_printf(out, "tandem_info{program=\"%s\",version=\"%s\",isolation=\"%s\"} 1\n",
               model_program, TANDEM_VERSION, isolation);
    if (s->board->booted > 0)
        seconds(out, "tandem_process_start_time_seconds", "gauge",
                "When the server was started, in seconds since 1970.", (uint64_t)s->board->booted);
}

static void tell_requests(struct buf *out, const struct figures *f)
{
    static const char name[] = "requests_killed_total";
    char route[LABEL_SIZE];
    counter(out, "tandem_requests_total",
            "Whole requests that were answered, by a worker or in the place of a dead one.",
            scoreboard_served(admin.server->board));
    counter(out, "tandem_requests_refused_total",
            "Answers to what was no whole request: malformed, too large, too slow, one too many.",
            atomic_load(&admin.server->board->refused));
    family(out, name, "counter", "Requests whose handler was ended, by cause and route.");
    for (size_t i = 0; i < f->route_count; i++)
        for (int cause = 0; cause < CAUSES; cause++)
            if (f->routes[i].killed[cause] > 0)
                buf_printf(out, "%s{cause=\"%s\",route=\"%s\"} %" PRIu64 "\n", name,
                           cause_word((enum cause)cause), label(f->routes[i].name, route),
                           f->routes[i].killed[cause]);
    family(out, "tandem_route_quarantined", "gauge",
           "Whether requests for this route are refused now; for routes that have killed.");
    for (size_t i = 0; i < f->route_count; i++)
        buf_printf(out, "tandem_route_quarantined{route=\"%s\"} %d\n",
                   label(f->routes[i].name, route), f->routes[i].is_aside);
}

static void tell_workers(struct buf *out, const struct figures *f)
{
    static const char *const states[] = {[WORKER_WAITING] = "waiting",
                                         [WORKER_ACCEPTING] = "accepting",
                                         [WORKER_TURN] = "turn",
                                         [WORKER_LOST] = "lost"};
    const struct scoreboard *b = admin.server->board;
    family(out, "tandem_workers", "gauge",
           "Workers, by what they do; a lost one is a thread that was robbed of its request.");
    for (int state = WORKER_WAITING; state <= WORKER_LOST; state++)
        buf_printf(out, "tandem_workers{state=\"%s\"} %u\n", states[state], f->workers[state]);
    counter(out, "tandem_worker_deaths_total", "Workers that died, and in fresh their children.",
            atomic_load(&b->deaths));
    counter(out, "tandem_workers_recycled_total", "Workers that were replaced in good health.",
            atomic_load(&b->recycled));
}

static void tell_tls(struct buf *out)
{
    static const char name[] = "tandem_tls_handshakes_total";
    struct tls_figures *t = admin.server->tls;
    if (!t)
        return;
    family(out, name, "counter", "TLS handshakes, by what became of them.");
    buf_printf(out, "%s{result=\"full\"} %" PRIu64 "\n", name, atomic_load(&t->full));
    buf_printf(out, "%s{result=\"resumed\"} %" PRIu64 "\n", name, atomic_load(&t->resumed));
    buf_printf(out, "%s{result=\"failed\"} %" PRIu64 "\n", name, atomic_load(&t->failed));
    gauge(out, "tandem_tls_connections", "Open connections by TLS.", atomic_load(&t->connections));
    if (model_isolates)
        counter(out, "tandem_tls_gate_deaths_total", "Gates that died and were replaced.",
                atomic_load(&t->gate_deaths));
}

static void tell_connections(struct buf *out)
{
    const struct scoreboard *b = admin.server->board;
    int open = atomic_load(&b->connections);
    family(out, "tandem_log_dropped_total", "counter", "Lines that a log lacks.");
    buf_printf(out, "tandem_log_dropped_total{log=\"access\"} %" PRIu64 "\n",
               atomic_load(&b->dropped.access));
    buf_printf(out, "tandem_log_dropped_total{log=\"error\"} %" PRIu64 "\n",
               atomic_load(&b->dropped.error));
    gauge(out, "tandem_connections", "Open connections.", open > 0 ? (uint64_t)open : 0);
    gauge(out, "tandem_spooled_bytes", "Bodies that wait in descriptors.",
          atomic_load(&b->spooled));
    counter(out, "tandem_descriptors_swept_total", "Descriptors that were left open, and closed.",
            atomic_load(&b->swept));
    counter(out, "tandem_slots_unsound_total",
            "Slots of the connection table that were found scribbled over.",
            atomic_load(&b->unsound));
}

/* What the machine pays. A sandbox may keep /proc from us: then nothing is said. */
static void tell_costs(struct buf *out, const struct figures *f)
{
    uint64_t ms;
    if (cpu_time(admin.server->options.one ? getpid() : getppid(), &ms))
        seconds(out, "tandem_cpu_seconds_total", "counter",
                "CPU time of all processes of this server, the dead included.", ms);
    if (f->pss > 0)
        gauge(
            out, "tandem_memory_pss_bytes",
            "Memory of all workers, as they last told; a page is divided among those who share it.",
            f->pss);
}

/* --- the routes ------------------------------------------------------------------------------- */

static int metrics(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    struct figures f = {0};
    count_workers(&f);
    count_routes(&f);
    struct buf text;
    buf_init(&text, METRICS_LIMIT);
    tell_server(&text);
    tell_requests(&text, &f);
    tell_workers(&text, &f);
    tell_connections(&text);
    tell_tls(&text);
    tell_costs(&text, &f);
    response_type(res, METRICS_TYPE);
    bool is_whole = !text.failed && response_write(res, text.data, text.len);
    buf_free(&text);
    return is_whole ? 0 : 500;
}

static int healthz(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    return response_write(res, "ok\n", 3) ? 0 : 500;
}

static int readyz(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    if (!atomic_load(&admin.server->board->draining))
        return response_write(res, "ready\n", 6) ? 0 : 500;
    response_status(res, 503);
    return response_write(res, "draining\n", 9) ? 0 : 500;
}

void admin_configure(const struct server *s)
{
    admin.server = s;
    admin.memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static const struct route routes[] = {{"GET HEAD", "/metrics", metrics},
                                      {"GET HEAD", "/healthz", healthz},
                                      {"GET HEAD", "/readyz", readyz},
                                      {NULL, NULL, NULL}};

const struct module admin_module = {.abi = TANDEM_ABI, .name = "admin", .routes = routes};
