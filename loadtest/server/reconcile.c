/*
 * reconcile.c — sums and differences; the reasoning is in reconcile.h.
 */
#include "reconcile.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "../units.h"

enum { TRIES = 20 };
#define PAUSE_NS (100 * NS_PER_MS)

bool reconcile_before(const char *url, struct server_side *s, struct complaint *why)
{
    memset(s, 0, sizeof *s);
    return server_metrics_get(url, &s->before, why);
}

bool reconcile_after(const char *url, struct server_side *s, struct complaint *why)
{
    s->readings = 1;
    for (int i = 0; i < TRIES; i++) {
        struct timespec pause = {.tv_nsec = PAUSE_NS};
        if (server_metrics_get(url, &s->after, why)) {
            s->asked = true;
            return true;
        }
        s->failed_readings++;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* Requests that left, and whose whole answer was not seen. */
static uint64_t count_unseen(const struct ledger *l)
{
    static const enum outcome never_left[] = {OUTCOME_REFUSED, OUTCOME_CONNECT_TIMEOUT,
                                              OUTCOME_CONNECT_ERROR, OUTCOME_TLS, OUTCOME_LOCAL};
    uint64_t unseen = l->unfinished[INNOCENT] + l->unfinished[INJECTED];
    for (unsigned who = 0; who < PARTIES; who++)
        unseen += ledger_failed(l, (enum party)who);
    for (size_t i = 0; i < sizeof never_left / sizeof never_left[0]; i++)
        unseen -= ledger_class(l, never_left[i]);
    return unseen - (ledger_answered(l) - ledger_class(l, OUTCOME_OK)); /* failed, but seen */
}

static uint64_t killed_of(const struct server_metrics *m, const char *cause)
{
    for (size_t i = 0; cause && i < m->causes; i++)
        if (strcmp(m->killed[i].cause, cause) == 0)
            return m->killed[i].requests;
    return cause ? 0 : server_metrics_killed(m);
}

uint64_t reconcile_killed(const struct server_side *s, const char *cause)
{
    uint64_t before = killed_of(&s->before, cause), after = killed_of(&s->after, cause);
    return after > before ? after - before : 0;
}

double reconcile_cpu_us(const struct server_side *s)
{
    return s->cpu_s >= 0 && s->counted > 0 ? 1e6 * s->cpu_s / (double)s->counted : -1;
}

/* Counters of one life of the server never fall. */
static bool is_same_life(const struct server_metrics *a, const struct server_metrics *b)
{
    return fabs(a->started_s - b->started_s) < 0.0005 && b->requests >= a->requests;
}

static uint64_t count_watchers(const struct server_side *s)
{
    /* A server that tells so may have had nothing to tell the first time. */
    return s->after.tells_watched ? s->after.watched - s->before.watched : s->readings;
}

void reconcile(struct server_side *s, const struct ledger *run, const struct ledger *warmup)
{
    s->answered = ledger_answered(run) + ledger_answered(warmup);
    s->unseen = count_unseen(run) + count_unseen(warmup);
    s->cpu_s = -1;
    s->comparable = s->asked && is_same_life(&s->before, &s->after);
    if (!s->comparable)
        return;
    s->counted = s->after.requests - s->before.requests + s->after.refused - s->before.refused;
    s->watchers = count_watchers(s);
    s->difference = (int64_t)s->counted - (int64_t)s->watchers - (int64_t)s->answered;
    s->counted -= s->counted >= s->watchers ? s->watchers : 0;
    s->reconciled =
        s->difference >= 0 && s->difference <= (int64_t)(s->unseen + s->failed_readings);
    s->killed = reconcile_killed(s, NULL);
    s->worker_deaths = s->after.worker_deaths - s->before.worker_deaths;
    if (s->before.cpu_s >= 0 && s->after.cpu_s >= 0)
        s->cpu_s = s->after.cpu_s - s->before.cpu_s;
}
