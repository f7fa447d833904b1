/*
 * status_page.c — /status for people: the words of status.html.
 *
 * The script of the page (status.js) fetches it again each second and takes over its <main>; so there
 * is one who draws it, with scripts and without.
 */
#include "status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../model.h"
#include "admin.h"
#include "template.h"

/* Made from the files of these names by CMakeLists.txt. */
extern const char status_html[], status_css[], status_js[];

struct page {
    const struct figures *f;
    const char *nonce;
    const struct worker_figures *worker;
    const struct obituary *dead;
    enum conn_state conn;
};

/* --- figures for the eye --- */

static void text(struct buf *out, const char *value)
{
    buf_html(out, value, strlen(value));
}

/* With thin spaces between thousands. */
static void count(struct buf *out, uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buf_text(out, "\xe2\x80\xaf");
        buf_add(out, &digits[i], 1);
    }
}

static void memory(struct buf *out, uint64_t bytes)
{
    uint64_t tenths = bytes * 10 >> 20;
    if (bytes < 1 << 20)
        buf_printf(out, "%" PRIu64 " KiB", bytes >> 10);
    else
        buf_printf(out, "%" PRIu64 ".%u MiB", tenths / 10, (unsigned)(tenths % 10));
}

/* "870 µs", "12.3 ms", "230 ms", "4.5 s". */
static void duration(struct buf *out, int64_t us)
{
    if (us < 1000)
        buf_printf(out, "%d µs", (int)us);
    else if (us < 100000)
        buf_printf(out, "%d.%d ms", (int)(us / 1000), (int)(us / 100 % 10));
    else if (us < 1000000)
        buf_printf(out, "%d ms", (int)(us / 1000));
    else
        buf_printf(out, "%" PRId64 ".%d s", us / 1000000, (int)(us / 100000 % 10));
}

/* "3 d 4 h", "4 h 5 min", "5 min 6 s", "6 s". */
static void long_time(struct buf *out, int64_t seconds)
{
    int64_t minutes = seconds / 60, hours = minutes / 60;
    if (hours >= 24)
        buf_printf(out, "%" PRId64 " d %d h", hours / 24, (int)(hours % 24));
    else if (hours > 0)
        buf_printf(out, "%d h %d min", (int)hours, (int)(minutes % 60));
    else if (minutes > 0)
        buf_printf(out, "%d min %d s", (int)minutes, (int)(seconds % 60));
    else
        buf_printf(out, "%d s", (int)seconds);
}

/* --- the server --- */

static void program(struct buf *out, const void *about)
{
    (void)about;
    text(out, model_program);
}

static void version(struct buf *out, const void *about)
{
    (void)about;
    text(out, TANDEM_VERSION);
}

static void isolation(struct buf *out, const void *about)
{
    (void)about;
    if (admin_is_one_process())
        buf_text(out, "one process");
    else
        buf_printf(out, "isolation %s", admin_isolation());
}

static void nonce(struct buf *out, const void *about)
{
    text(out, ((const struct page *)about)->nonce);
}

static void css(struct buf *out, const void *about)
{
    (void)about;
    buf_text(out, status_css);
}

static void js(struct buf *out, const void *about)
{
    (void)about;
    buf_text(out, status_js);
}

#define FIGURE(name, write)                                        \
    static void name(struct buf *out, const void *about)           \
    {                                                              \
        const struct figures *f = ((const struct page *)about)->f; \
        write;                                                     \
    }
FIGURE(uptime, long_time(out, f->uptime / 1000))
FIGURE(rate, count(out, f->rate))
FIGURE(answered, count(out, f->answered))
FIGURE(refused, count(out, f->refused))
FIGURE(running, count(out, f->running))
FIGURE(waiting, count(out, f->by_state[WORKER_WAITING]))
FIGURE(lost, count(out, f->by_state[WORKER_LOST]))
FIGURE(worker_count, count(out, f->worker_count))
FIGURE(connections, count(out, f->connections))
FIGURE(deaths, count(out, f->deaths))
FIGURE(recycled, count(out, f->recycled))
FIGURE(pss, memory(out, f->pss))
FIGURE(cpu, duration(out, (int64_t)(f->cpu > INT64_MAX / 1000 ? 0 : f->cpu * 1000)))
FIGURE(dead_count, count(out, f->obituary_count))

static void spares_ready(struct buf *out, const void *about)
{
    (void)about;
    count(out, atomic_load(&admin.server->spares->ready));
}

static void spares_busy(struct buf *out, const void *about)
{
    (void)about;
    count(out, atomic_load(&admin.server->spares->busy));
}

/* --- one connection state --- */

static void conn_name(struct buf *out, const void *about)
{
    text(out, conn_state_word(((const struct page *)about)->conn));
}

static void conn_count(struct buf *out, const void *about)
{
    const struct page *p = about;
    count(out, p->f->conns[p->conn]);
}

/* --- one worker --- */

static void state(struct buf *out, const void *about)
{
    const struct worker_figures *w = ((const struct page *)about)->worker;
    text(out, w->is_running ? "running" : worker_state_word(w->state));
}

/* In words that say it; "turn" is a worker that is at a connection. */
static void state_text(struct buf *out, const void *about)
{
    const struct worker_figures *w = ((const struct page *)about)->worker;
    bool is_at_one = w->state == WORKER_TURN && !w->is_running;
    text(out, w->is_running ? "running"
              : is_at_one   ? "at a connection"
                            : worker_state_word(w->state));
}

#define OF_WORKER(name, write)                                                 \
    static void name(struct buf *out, const void *about)                       \
    {                                                                          \
        const struct worker_figures *w = ((const struct page *)about)->worker; \
        write;                                                                 \
    }
OF_WORKER(number, count(out, w->number))
OF_WORKER(age, duration(out, w->age))
OF_WORKER(method, text(out, w->method))
OF_WORKER(target, text(out, w->target))
OF_WORKER(requests, count(out, w->requests))
OF_WORKER(worker_pss, memory(out, w->pss))

/* --- one of the dead --- */

#define OF_DEAD(name, write)                                           \
    static void name(struct buf *out, const void *about)               \
    {                                                                  \
        const struct obituary *o = ((const struct page *)about)->dead; \
        write;                                                         \
    }
OF_DEAD(dead_cause, text(out, o->cause))
OF_DEAD(dead_phase, text(out, o->phase))
OF_DEAD(dead_method, text(out, o->method))
OF_DEAD(dead_target, text(out, o->target))
OF_DEAD(dead_id, text(out, o->id))
OF_DEAD(dead_after, duration(out, o->duration))

static void dead_worker(struct buf *out, const void *about)
{
    const struct obituary *o = ((const struct page *)about)->dead;
    if (o->worker > 0)
        count(out, (uint64_t)o->worker);
    else
        buf_text(out, "all");
}

/* In UTC, as the logs. */
static void dead_time(struct buf *out, const void *about)
{
    const struct obituary *o = ((const struct page *)about)->dead;
    struct tm when;
    time_t seconds = (time_t)(o->time / 1000);
    char words[64];
    if (gmtime_r(&seconds, &when) && strftime(words, sizeof words, "%Y-%m-%d %H:%M:%SZ", &when) > 0)
        text(out, words);
}

static const struct template_word words[] = {{"program", program},
                                             {"version", version},
                                             {"isolation", isolation},
                                             {"nonce", nonce},
                                             {"css", css},
                                             {"js", js},
                                             {"uptime", uptime},
                                             {"rate", rate},
                                             {"answered", answered},
                                             {"refused", refused},
                                             {"running", running},
                                             {"waiting", waiting},
                                             {"lost", lost},
                                             {"worker-count", worker_count},
                                             {"connections", connections},
                                             {"conn-word", conn_name},
                                             {"conn-count", conn_count},
                                             {"deaths", deaths},
                                             {"recycled", recycled},
                                             {"pss", pss},
                                             {"cpu", cpu},
                                             {"spares-ready", spares_ready},
                                             {"spares-busy", spares_busy},
                                             {"number", number},
                                             {"state", state},
                                             {"state-text", state_text},
                                             {"age", age},
                                             {"method", method},
                                             {"target", target},
                                             {"requests", requests},
                                             {"worker-pss", worker_pss},
                                             {"dead-count", dead_count},
                                             {"dead-time", dead_time},
                                             {"dead-worker", dead_worker},
                                             {"dead-cause", dead_cause},
                                             {"dead-phase", dead_phase},
                                             {"dead-method", dead_method},
                                             {"dead-target", dead_target},
                                             {"dead-id", dead_id},
                                             {"dead-after", dead_after},
                                             {NULL, NULL}};

/* --- what is there several times, or not at all --- */

static bool each_conn(void *about, size_t i)
{
    ((struct page *)about)->conn = (enum conn_state)i;
    return i < CONN_STATES;
}

static bool each_worker(void *about, size_t i)
{
    struct page *p = about;
    if (i < p->f->worker_count)
        p->worker = &p->f->workers[i];
    return i < p->f->worker_count;
}

static bool each_dead(void *about, size_t i)
{
    struct page *p = about;
    if (i < p->f->obituary_count)
        p->dead = &p->f->obituaries[i];
    return i < p->f->obituary_count;
}

#define ONCE_IF(name, holds)                \
    static bool name(void *about, size_t i) \
    {                                       \
        const struct page *p = about;       \
        (void)p;                            \
        return i == 0 && (holds);           \
    }
ONCE_IF(if_draining, atomic_load(&admin.server->board->draining))
ONCE_IF(if_spares, admin.server->spares)
ONCE_IF(if_lost, p->f->by_state[WORKER_LOST] > 0)
ONCE_IF(if_cpu, p->f->knows_cpu)
ONCE_IF(if_dead, p->f->obituary_count > 0)
ONCE_IF(if_none_dead, p->f->obituary_count == 0)
ONCE_IF(if_running, p->worker->is_running)
ONCE_IF(if_last, !p->worker->is_running && p->worker->target[0])
ONCE_IF(if_fresh, !p->worker->is_running && !p->worker->target[0])
ONCE_IF(if_worker_pss, p->worker->pss > 0)
ONCE_IF(if_of_request, p->dead->id[0])
ONCE_IF(if_after, p->dead->duration >= 0)

static const struct template_section sections[] = {{"conns", each_conn},
                                                   {"workers", each_worker},
                                                   {"dead", each_dead},
                                                   {"if-draining", if_draining},
                                                   {"if-spares", if_spares},
                                                   {"if-lost", if_lost},
                                                   {"if-cpu", if_cpu},
                                                   {"if-dead", if_dead},
                                                   {"if-none-dead", if_none_dead},
                                                   {"if-running", if_running},
                                                   {"if-last", if_last},
                                                   {"if-fresh", if_fresh},
                                                   {"if-worker-pss", if_worker_pss},
                                                   {"if-of-request", if_of_request},
                                                   {"if-after", if_after},
                                                   {NULL, NULL}};

bool status_page(struct buf *out, const struct figures *f, const char nonce[NONCE_SIZE])
{
    struct page page = {.f = f, .nonce = nonce};
    return template_write(out, status_html, words, sections, &page);
}
