/*
 * attendants.c — each of them is asked in turn.
 */
#include "attendants.h"

#include "logger.h"
#include "service_manager.h"
#include "signals.h"
#include "upgrade.h"

bool attendants_open(struct server *s)
{
    if (!logger_open(s))
        return false;
    if (upgrade_open(s)) {
        if (service_manager_open(upgrade_channel()))
            return true;
        upgrade_close();
    }
    logger_close(s);
    return false;
}

void attendants_guard(struct guard *g)
{
    upgrade_guard(g);
}

unsigned attendants_tend(struct server *s, unsigned came)
{
    if (came & (SIGNAL_REOPEN | SIGNAL_RELOAD))
        logger_reopen();
    logger_tend(s, s->options.one && came & SIGNAL_CHILD);
    came = upgrade_tend(s, came);
    service_manager_tend(s, came);
    return came;
}

bool attendants_reaped(struct server *s, pid_t pid, int status)
{
    return logger_reaped(s, pid, status) || upgrade_reaped(pid, status);
}

void attendants_close(struct server *s)
{
    upgrade_close();
    service_manager_close();
    logger_close(s);
}
