/*
 * death.c — a wait status in words.
 */
#include "death.h"

#include <stdio.h>
#include <sys/wait.h>

#include "clock.h"
#include "log.h"

const char *death_cause(const struct death *d, char out[DEATH_CAUSE_SIZE])
{
    if (d->is_overdue)
        snprintf(out, DEATH_CAUSE_SIZE, "the request timeout");
    else if (WIFSIGNALED(d->status))
        log_signal(WTERMSIG(d->status), out);
    else
        snprintf(out, DEATH_CAUSE_SIZE, "exit code %d", WEXITSTATUS(d->status));
    return out;
}

const char *death_detail(const struct death *d, char out[2 * DEATH_CAUSE_SIZE])
{
    char cause[DEATH_CAUSE_SIZE];
    if (d->is_overdue)
        snprintf(out, 2 * (size_t)DEATH_CAUSE_SIZE,
                 "the handler took longer than --request-timeout");
    else
        snprintf(out, 2 * (size_t)DEATH_CAUSE_SIZE, "the handler was ended by %s",
                 death_cause(d, cause));
    return out;
}

int death_status(const struct death *d)
{
    return d->is_overdue ? 504 : 500;
}

static long milliseconds(struct timeval t)
{
    return (long)t.tv_sec * 1000 + (long)t.tv_usec / 1000;
}

void death_log(const struct scoreboard *b, const struct worker_slot *slot, const char *who,
               const struct death *d, const char *where, bool names_request)
{
    char cause[DEATH_CAUSE_SIZE], id[REQUEST_ID_SIZE];
    int64_t started = atomic_load(&slot->started);
    size_t number = (size_t)(slot - b->slots) + 1;
    death_cause(d, cause);
    if (!where || !names_request) {
        log_line(LOG_WARN, "%s %zu ended by %s, %s", who, number, cause,
                 where ? where : "between requests");
        return;
    }
    request_id(b, slot, id);
    log_line(LOG_ERROR,
             "%s %zu ended by %s, %s: %.*s %.*s, request %s, after %lld ms; user %ld ms, system "
             "%ld ms, %ld KiB since it started",
             who, number, cause, where, SCORE_METHOD - 1, slot->method, SCORE_TARGET - 1,
             slot->target, id, started ? (long long)(clock_us() - started) / 1000 : 0,
             milliseconds(d->usage.ru_utime), milliseconds(d->usage.ru_stime), d->usage.ru_maxrss);
}
