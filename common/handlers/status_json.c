/*
 * status_json.c — /status as JSON: the names say the units, every list is there, if empty.
 */
#include "status.h"

#include <inttypes.h>
#include <string.h>

#include "../model.h"
#include "admin.h"

static void text_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":\"", name);
    buf_json(out, value, strlen(value));
    buf_text(out, "\"");
}

static void number_member(struct buf *out, const char *name, uint64_t value)
{
    buf_printf(out, ",\"%s\":%" PRIu64, name, value);
}

static void write_server(struct buf *out, const struct figures *f)
{
    const struct server *s = admin.server;
    buf_printf(out, "\"uptime_ms\":%" PRId64, f->uptime);
    text_member(out, "program", model_program);
    text_member(out, "version", TANDEM_VERSION);
    text_member(out, "isolation", admin_isolation());
    buf_printf(out, ",\"draining\":%s", atomic_load(&s->board->draining) ? "true" : "false");
    number_member(out, "requests_per_second", f->rate);
    number_member(out, "requests", f->answered);
    number_member(out, "requests_refused", f->refused);
    number_member(out, "requests_in_flight", f->running);
    number_member(out, "deaths", f->deaths);
    number_member(out, "recycled", f->recycled);
    number_member(out, "pss_bytes", f->pss);
    if (f->knows_cpu)
        number_member(out, "cpu_ms", f->cpu);
    if (s->spares)
        buf_printf(out, ",\"spares\":{\"ready\":%u,\"busy\":%u}", atomic_load(&s->spares->ready),
                   atomic_load(&s->spares->busy));
    number_member(out, "connections", f->connections);
}

static void write_connections(struct buf *out, const struct figures *f)
{
    buf_text(out, ",\"connections_by_state\":{");
    for (int state = 0; state < CONN_STATES; state++)
        buf_printf(out, "%s\"%s\":%u", state ? "," : "", conn_state_word((enum conn_state)state),
                   f->conns[state]);
    buf_text(out, "}");
}

static void write_worker(struct buf *out, const struct worker_figures *w)
{
    buf_printf(out, "{\"worker\":%zu", w->number);
    text_member(out, "state", w->is_running ? "running" : worker_state_word(w->state));
    if (w->is_running)
        number_member(out, "age_us", (uint64_t)w->age);
    text_member(out, "method", w->method);
    text_member(out, "target", w->target);
    number_member(out, "requests", w->requests);
    if (w->pss > 0)
        number_member(out, "pss_bytes", w->pss);
    buf_text(out, "}");
}

static void write_obituary(struct buf *out, const struct obituary *o)
{
    buf_printf(out, "{\"time_ms\":%" PRId64 ",\"worker\":%" PRId64, o->time, o->worker);
    text_member(out, "cause", o->cause);
    text_member(out, "phase", o->phase);
    if (o->id[0]) {
        text_member(out, "method", o->method);
        text_member(out, "target", o->target);
        text_member(out, "request_id", o->id);
    }
    if (o->duration >= 0)
        number_member(out, "duration_us", (uint64_t)o->duration);
    buf_text(out, "}");
}

bool status_json(struct buf *out, const struct figures *f)
{
    buf_text(out, "{");
    write_server(out, f);
    write_connections(out, f);
    buf_text(out, ",\"workers\":[");
    for (size_t i = 0; i < f->worker_count; i++) {
        buf_text(out, i ? "," : "");
        write_worker(out, &f->workers[i]);
    }
    buf_text(out, "],\"obituaries\":[");
    for (size_t i = 0; i < f->obituary_count; i++) {
        buf_text(out, i ? "," : "");
        write_obituary(out, &f->obituaries[i]);
    }
    return buf_text(out, "]}\n");
}
