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

struct demo_check demo_check(const char *kind, bool together, const struct result *r)
{
    const struct ledger *l = &r->tally->ledger;
    struct demo_check c = {.known = r->server.comparable,
                           .deadly = is_deadly(kind),
                           .together = together,
                           .injected = l->started[INJECTED],
                           .unseen = l->started[INJECTED] - answered(l),
                           .left = l->started[INJECTED] - without_connection(l),
                           .killed = r->server.killed,
                           .deaths = r->server.worker_deaths};
    c.holds = c.known && holds(&c);
    return c;
}
