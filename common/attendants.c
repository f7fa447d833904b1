/*
 * attendants.c — each of them is asked in turn.
 */
#include "attendants.h"

#include "service_manager.h"
#include "upgrade.h"

bool attendants_open(struct server *s)
{
    if (!upgrade_open(s))
        return false;
    if (service_manager_open(upgrade_channel()))
        return true;
    upgrade_close();
    return false;
}

void attendants_guard(struct guard *g)
{
    upgrade_guard(g);
}

unsigned attendants_tend(struct server *s, unsigned came)
{
    came = upgrade_tend(s, came);
    service_manager_tend(s, came);
    return came;
}

bool attendants_reaped(struct server *s, pid_t pid, int status)
{
    (void)s;
    return upgrade_reaped(pid, status);
}

void attendants_close(struct server *s)
{
    (void)s;
    upgrade_close();
    service_manager_close();
}
