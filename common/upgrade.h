/*
 * upgrade.h — USR2: another binary takes this one's place, and nobody who is connected notices.
 *
 *                  USR2: fork, exec of what lies at our path now; it is handed
 *                  the listeners (activation.h) and one end of a channel
 *      ALONE ─────────────────────────────────────────────────▶ STARTING
 *        ▲                                                       │     │
 *        └── it has ended, or is not ready within ───────────────┘     │ READY=1
 *            --drain-timeout, or TERM came: it is killed               ▼
 *            with all it has started, one line says why             REPLACED ── drained ──▶ the first
 *            and nothing has changed here                     both accept; this one       process becomes
 *                                                             finishes what it has        the caretaker,
 *                                                             begun, and that's all       another exits
 *
 * The first process of a service becomes the caretaker of the next generation (caretaker.h), so that its
 * pid stays. A later one is a child of that caretaker; and so is the one that it starts, by CLONE_PARENT:
 * who may leave is never anybody's parent. Each of them dies with the caretaker.
 *
 * The next generation is a whole server of its own: it reads arguments, environment and files as the
 * first did, under the same user, with signals as the first found them. What it has of us is the sockets
 * that listen, nothing else. TLS sessions of before are not resumed, since the keys of tickets are new.
 *
 * In the environment of the next: TANDEM_NEXT="VERSION CHANNEL PARENT". Supervisor only.
 */
#ifndef TANDEM_UPGRADE_H
#define TANDEM_UPGRADE_H

#include <stdbool.h>
#include <sys/types.h>

#include "guard.h"
#include "server.h"

/* First thing in main(), before anything is changed that the next generation would inherit. False:
 * logged: TANDEM_NEXT is none of ours. */
bool upgrade_begin(char **argv);

/* Before anything is started. False: logged. */
bool upgrade_open(struct server *s);
/* The channel to whoever has started us; -1: this is the first process of the service. */
int upgrade_channel(void);

/* The channels are to stay where they are. */
void upgrade_guard(struct guard *g);

/* One round of the supervisor's loop, with the signals that came. Returns those that are for this
 * generation, and once SIGNAL_REPLACED. */
unsigned upgrade_tend(struct server *s, unsigned came);
/* True: it was the next generation. */
bool upgrade_reaped(pid_t pid, int status);
/* What is not ready by now is killed. */
void upgrade_close(void);

/* When everything is closed. Returns `code`, or when another generation serves and this is the first
 * process, the code that generation ends with. May not return. */
int upgrade_end(int code);

#endif
