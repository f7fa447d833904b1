/*
 * attendants.c — each of them is asked in turn.
 */
#include "attendants.h"

#include "logger.h"
#include "signals.h"

bool attendants_open(struct server *s)
{
    return logger_open(s);
}

unsigned attendants_tend(struct server *s, unsigned came)
{
    if (came & (SIGNAL_REOPEN | SIGNAL_RELOAD))
        logger_reopen();
    logger_tend(s, s->options.one && came & SIGNAL_CHILD);
    return came;
}

bool attendants_reaped(struct server *s, pid_t pid, int status)
{
    (void)status;
    return logger_reaped(s, pid);
}

void attendants_close(struct server *s)
{
    logger_close(s);
}
