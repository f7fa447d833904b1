/*
 * demo_check.c — an equation for processes, an inequality for threads.
 */
#include "demo_check.h"

#include <string.h>

/* Kinds whose handler never returns, and does not wait for a deadline either. */
static const char *const deadly_kinds[] = {
    "segv", "abort", "exit", "stack-overflow", "exit-holding-lock", "partial-write"};

static bool is_deadly(const char *kind)
{
    for (size_t i = 0; i < sizeof deadly_kinds / sizeof deadly_kinds[0]; i++)
        if (strcmp(deadly_kinds[i], kind) == 0)
            return true;
    return false;
}

static uint64_t answered(const struct ledger *l)
{
    return l->ended[INJECTED][OUTCOME_OK] + l->ended[INJECTED][OUTCOME_STATUS_4XX] +
           l->ended[INJECTED][OUTCOME_STATUS_5XX];
}

static uint64_t without_connection(const struct ledger *l)
{
    return l->ended[INJECTED][OUTCOME_REFUSED] + l->ended[INJECTED][OUTCOME_CONNECT_TIMEOUT] +
           l->ended[INJECTED][OUTCOME_CONNECT_ERROR] + l->ended[INJECTED][OUTCOME_TLS] +
           l->ended[INJECTED][OUTCOME_LOCAL];
}

static bool holds(const struct demo_check *c)
{
    if (c->killed > c->injected)
        return false;
    if (!c->deadly)
        return true;
    if (c->together)
        return c->deaths <= c->killed && (c->deaths > 0 || c->left == 0);
    return c->killed + c->unseen >= c->injected;
}

/* What there is to compare. */
static struct demo_check gather(bool deadly, bool together, const struct result *r)
{
    const struct ledger *l = &r->tally->ledger;
    return (struct demo_check){.known = r->server.comparable,
                               .asked = true,
                               .deadly = deadly,
                               .together = together,
                               .injected = l->started[INJECTED],
                               .unseen = l->started[INJECTED] - answered(l),
                               .left = l->started[INJECTED] - without_connection(l),
                               .killed = r->server.killed,
                               .deaths = r->server.worker_deaths};
}

struct demo_check demo_check(const char *kind, bool together, const struct result *r)
{
    struct demo_check c = gather(is_deadly(kind), together, r);
    c.holds = c.known && holds(&c);
    return c;
}

struct demo_check demo_check_faults(const struct injection *faults, size_t count, bool together,
                                    const struct result *r)
{
    size_t deadly = 0, outside = 0;
    for (size_t i = 0; i < count; i++) {
        deadly += faults[i].level == FAULT_REQUEST && is_deadly(faults[i].kind);
        outside += faults[i].level == FAULT_PROCESS && strcmp(faults[i].kind, "kill-worker") == 0;
    }
    struct demo_check c = gather(deadly == count, together, r);
    c.asked = count > 0 && (deadly == count || outside == count);
    c.outside = count > 0 && outside == count;
    c.kills = c.outside ? r->mark_count : 0;
    c.holds = c.known && (c.outside ? c.deaths >= c.kills : holds(&c));
    return c;
}
