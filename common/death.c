/*
 * death.c — a wait status, a crash record and a budget, in words and figures.
 */
#include "death.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "clock.h"
#include "log.h"
#include "obituary.h"

/* A ward is told of deaths even when --quarantine is off, to know what to suggest. */
static const struct quarantine_rule suggestion = {.deaths = 5, .within = 10000};

static enum cause signal_kind(int number)
{
    switch (number) {
    case SIGSEGV:
        return CAUSE_SEGV;
    case SIGBUS:
        return CAUSE_BUS;
    case SIGABRT:
        return CAUSE_ABRT;
    case SIGKILL:
        return CAUSE_KILL;
    default:
        return CAUSE_SIGNAL;
    }
}

static bool was_out_of_memory(const struct death *d)
{
    return d->crash && atomic_load(&d->crash->signal) != 0 && d->crash->is_out_of_memory;
}

enum cause death_kind(const struct death *d)
{
    if (d->over == BUDGET_TIME)
        return CAUSE_TIME;
    if (d->over == BUDGET_CPU)
        return CAUSE_CPU;
    if (!WIFSIGNALED(d->status))
        return CAUSE_EXIT;
    return was_out_of_memory(d) ? CAUSE_MEMORY : signal_kind(WTERMSIG(d->status));
}

const char *death_cause(const struct death *d, char out[DEATH_CAUSE_SIZE])
{
    char signal[64];
    switch (death_kind(d)) {
    case CAUSE_TIME:
        snprintf(out, DEATH_CAUSE_SIZE, "the request timeout");
        break;
    case CAUSE_CPU:
        snprintf(out, DEATH_CAUSE_SIZE, "the CPU budget");
        break;
    case CAUSE_MEMORY:
        snprintf(out, DEATH_CAUSE_SIZE, "the memory budget, by %.40s",
                 log_signal(WTERMSIG(d->status), signal));
        break;
    case CAUSE_EXIT:
        snprintf(out, DEATH_CAUSE_SIZE, "exit code %d", WEXITSTATUS(d->status));
        break;
    default:
        log_signal(WTERMSIG(d->status), out);
    }
    return out;
}

const char *death_detail(const struct death *d, char out[2 * DEATH_CAUSE_SIZE])
{
    const size_t size = 2 * (size_t)DEATH_CAUSE_SIZE;
    char cause[DEATH_CAUSE_SIZE];
    switch (death_kind(d)) {
    case CAUSE_TIME:
        snprintf(out, size, "the handler took longer than --request-timeout");
        break;
    case CAUSE_CPU:
        snprintf(out, size, "the handler used more CPU time than --worker-cpu");
        break;
    case CAUSE_MEMORY:
        snprintf(out, size, "the handler needed more memory than --worker-memory");
        break;
    default:
        snprintf(out, size, "the handler was ended by %s", death_cause(d, cause));
    }
    return out;
}

int death_status(const struct death *d)
{
    switch (death_kind(d)) {
    case CAUSE_TIME:
        return 504;
    case CAUSE_CPU:
    case CAUSE_MEMORY:
        return 503;
    default:
        return 500;
    }
}

static long milliseconds(struct timeval t)
{
    return (long)t.tv_sec * 1000 + (long)t.tv_usec / 1000;
}

/* µs since its handler was called; -1: the slot says nothing that can be. */
static int64_t duration_of(const struct worker_slot *slot)
{
    int64_t started = atomic_load(&slot->started), now = clock_us();
    return started > 0 && started <= now ? now - started : -1;
}

void death_enter(struct scoreboard *b, const struct worker_slot *slot, const struct death *d,
                 const char *where, bool names_request)
{
    struct obituary o = {.duration = -1, .worker = slot ? slot - b->slots + 1 : 0};
    death_cause(d, o.cause);
    snprintf(o.phase, sizeof o.phase, "%s", where ? where : "between requests");
    if (slot && where && names_request) {
        request_id(b, slot, o.id);
        snprintf(o.method, sizeof o.method, "%.*s", SCORE_METHOD - 1, slot->method);
        snprintf(o.target, sizeof o.target, "%.*s", (int)sizeof o.target - 1, slot->target);
        o.duration = duration_of(slot);
    }
    obituary_enter(&b->obituaries, &o);
}

void death_log(struct scoreboard *b, const struct worker_slot *slot, const char *who,
               const struct death *d, const char *where, bool names_request)
{
    char cause[DEATH_CAUSE_SIZE], id[REQUEST_ID_SIZE], crash[CRASH_TEXT] = "";
    int64_t started = atomic_load(&slot->started);
    size_t number = (size_t)(slot - b->slots) + 1;
    death_cause(d, cause);
    if (d->crash)
        crash_text(d->crash, crash);
    death_enter(b, slot, d, where, names_request);
    if (!where || !names_request) {
        log_line(LOG_WARN, "%s %zu ended by %s, %s%s%s", who, number, cause,
                 where ? where : "between requests", *crash ? "; " : "", crash);
        return;
    }
    request_id(b, slot, id);
    log_line(LOG_ERROR,
             "%s %zu ended by %s, %s: %.*s %.*s, request %s, after %lld ms; user %ld ms, system "
             "%ld ms, %ld KiB since it started%s%s",
             who, number, cause, where, SCORE_METHOD - 1, slot->method, SCORE_TARGET - 1,
             slot->target, id, started ? (long long)(clock_us() - started) / 1000 : 0,
             milliseconds(d->usage.ru_utime), milliseconds(d->usage.ru_stime), d->usage.ru_maxrss,
             *crash ? "; " : "", crash);
}

void death_count(struct scoreboard *b, const struct worker_slot *slot, const struct death *d,
                 const struct quarantine_rule *rule)
{
    int index = atomic_load(&slot->route);
    if (index < 0 || index >= LIMIT_ROUTES)
        return;
    struct route_slot *route = &b->routes[index];
    atomic_fetch_add(&route->killed[death_kind(d)], 1);
    bool is_on = rule->deaths > 0;
    if (!quarantine_death(&route->ward, is_on ? rule : &suggestion, clock_ms()))
        return;
    if (is_on)
        log_line(LOG_ERROR,
                 "route %.*s has killed %u times within %lld ms: put aside, see "
                 "--quarantine",
                 ROUTE_NAME - 1, route->path, rule->deaths, (long long)rule->within);
    else
        log_line(LOG_WARN, "route %.*s keeps killing: --quarantine %u/%llds would put it aside",
                 ROUTE_NAME - 1, route->path, suggestion.deaths,
                 (long long)suggestion.within / 1000);
}
