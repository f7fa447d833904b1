/*
 * demo_cells.c — see demo_cells.h.
 */
#include "demo_cells.h"

#include <stdio.h>
#include <string.h>

const struct demo_column demo_columns[DEMO_CELLS] = {
    {"rps", 8, "requests answered well (2xx), per second"},
    {"p50", 9, "half of them took no longer, counted from when they were due"},
    {"p99", 9, "99 in a hundred of them took no longer"},
    {"failed", 9, "innocent requests, not poisoned themselves, that failed"},
    {"victims", 9,
     "those, and the ones that took longer than ten times the steady p99; less what the steady "
     "run of the same length had (in brackets: nothing was done on purpose, and the run is "
     "measured by its own p99)"},
    {"no service", 12, "time in which nobody was answered well"},
    {"recovery", 10,
     "the longest time from a fault until rate, success and p99 were back in the band of the "
     "steady run; > when the next fault or the end came first; – when no fault had a moment"},
    {"lost", 9, "answers that the steady run would have had and this one had not"},
    {"CPU/req", 10,
     "the server's own CPU time per answered request, its dead children's included; – after a "
     "restart, which takes it along"},
    {"memory", 10, "PSS of all the server's processes after the run: shared pages count once"}};

static void recovery_cell(const struct recovery *c, char out[SHORT_TEXT])
{
    if (!c->known)
        snprintf(out, SHORT_TEXT, "–");
    else
        snprintf(out, SHORT_TEXT, "%s%.2f s", c->complete ? "" : "> ", c->seconds);
}

static void victims_cell(bool faults, uint64_t victims, char out[SHORT_TEXT])
{
    char n[SHORT_TEXT];
    snprintf(out, SHORT_TEXT, faults ? "%.20s" : "(%.20s)", format_count(victims, n));
}

void demo_cells(const struct demo_scenario *s, const struct demo_case *c,
                char out[DEMO_CELLS][SHORT_TEXT])
{
    const struct result *r = &c->run.result;
    const struct hist *h = &r->tally->corrected;
    format_count((uint64_t)(r->rps + 0.5), out[0]);
    format_us((double)hist_quantile_us(h, 0.5), out[1]);
    format_us((double)hist_quantile_us(h, 0.99), out[2]);
    format_count(ledger_failed(&r->tally->ledger, INNOCENT), out[3]);
    victims_cell(s->options.injection_count > 0, r->victims.total, out[4]);
    snprintf(out[5], SHORT_TEXT, "%.2f s", r->without_service_s);
    recovery_cell(&r->recovery, out[6]);
    if (r->recovery.goodput_known)
        format_count((uint64_t)(r->recovery.goodput_lost + 0.5), out[7]);
    else
        snprintf(out[7], SHORT_TEXT, "–");
    if (c->run.cpu_us >= 0)
        format_us(c->run.cpu_us, out[8]);
    else
        snprintf(out[8], SHORT_TEXT, "–");
    if (c->run.memory > 0)
        format_bytes((double)c->run.memory, out[9]);
    else
        snprintf(out[9], SHORT_TEXT, "?");
}

static void append(char *text, size_t room, const char *more)
{
    size_t length = strlen(text);
    snprintf(text + length, room - length, "%s", more);
}

void demo_load_text(const struct demo_scenario *s, char *text, size_t room)
{
    const struct run_options *o = &s->options;
    char part[128], n[SHORT_TEXT];
    snprintf(text, room, "%u connections", o->connections);
    if (o->rate > 0)
        snprintf(part, sizeof part, ", open loop, %s%s requests a second",
                 schedule_is_open(&o->schedule) ? "on average " : "",
                 format_count((uint64_t)(o->rate + 0.5), n));
    else
        snprintf(part, sizeof part, ", closed loop");
    append(text, room, part);
    snprintf(part, sizeof part, ", %g s", (double)o->duration_ns / 1e9);
    append(text, room, part);
    for (size_t i = 0; i < o->injection_count; i++) {
        const struct injection *f = &o->injections[i];
        if (f->share > 0)
            snprintf(part, sizeof part, "%s%g %% %s", i ? ", " : "; ", 100 * f->share, f->kind);
        else
            snprintf(part, sizeof part, "%s%s at %g s", i ? ", " : "; ", f->kind,
                     (double)f->first_ns / 1e9);
        append(text, room, part);
        snprintf(part, sizeof part, " and every %g s", (double)f->every_ns / 1e9);
        append(text, room, f->every_ns > 0 ? part : "");
    }
}

static bool is_process_fault(const struct run_options *o, const char *kind)
{
    for (size_t i = 0; i < o->injection_count; i++)
        if (o->injections[i].level == FAULT_PROCESS && strcmp(o->injections[i].kind, kind) == 0)
            return true;
    return false;
}

/* Requests and wire faults are in the ledger, what was done to processes is not. */
uint64_t demo_faults_done(const struct demo_scenario *s, const struct result *r)
{
    uint64_t done = r->tally->ledger.started[INJECTED];
    for (size_t i = 0; i < r->mark_count && i < MAX_MARKS; i++)
        done += is_process_fault(&s->options, r->marks[i].kind);
    return done;
}
