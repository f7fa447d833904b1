/*
 * service_manager.h — what systemd, or whoever plays its part, is told of how we are: the messages of
 * sd_notify(3), a datagram each. Nobody listens: nothing is said.
 *
 *      READY=1      requests are answered now; or: what was being replaced, is; or: what was being
 *                   reloaded is what every request gets that comes from now on (or --drain-timeout is over)
 *      RELOADING=1  HUP or USR2 has come (Type=notify-reload wants MONOTONIC_USEC with it)
 *      STOPPING=1   TERM has come
 *      WATCHDOG=1   each half of WATCHDOG_USEC, as long as the supervisor's loop turns and the keeper of
 *                   the connections has been round since the last time
 *      STATUS=      one line for people
 *
 * The first process of a service speaks for it: only its word counts with NotifyAccess=main. So a later
 * generation (upgrade.h) tells whoever has started it, over the channel it was given, and the first
 * process passes that on.
 *
 * Written here, and not taken from libsystemd: that would be mapped into each process that is forked.
 */
#ifndef TANDEM_SERVICE_MANAGER_H
#define TANDEM_SERVICE_MANAGER_H

#include <stdbool.h>

#include "server.h"

enum { SERVICE_MESSAGE = 1024 /* bytes, with the 0 behind it */ };

/* `channel`: of a later generation; -1: this is the first process, and $NOTIFY_SOCKET says where.
 * Supervisor, before it starts anything. False: logged. */
bool service_manager_open(int channel);
void service_manager_close(void);

/* Requests are answered: by whichever process finds that it is so. The supervisor's loop is woken, and
 * says READY=1. */
void service_manager_announce(void);

/* One round of the supervisor's loop, with the signals that came. */
void service_manager_tend(struct server *s, unsigned came);

/* Supervisor, and caretaker. */
void service_manager_say(const char *message);
void service_manager_say_reloading(void);
/* Another generation speaks for the service from now on. */
void service_manager_hush(void);

#endif
