/*
 * logger.h — the process that writes the logs. It alone holds the access log, and waits for whoever
 * reads them; nobody else does.
 *
 *      supervisor ── fork ──▶ logger        its own descriptor table, nothing of the server in it
 *
 *      the rings have lines     written, in pieces as large as can be had in one go
 *      nothing is there         asleep
 *      a reader takes nothing   for a second: then lines for it are dropped and counted until it does
 *      USR1, HUP                the file is opened again by its name; if it cannot, the old one goes on
 *      the logger dies          another is started at once, and goes on where it was; while it cannot open
 *                               the file, lines for it are dropped and counted, and it tries once a second
 *      the supervisor dies      what lies in the rings is written, and that was it
 *      the supervisor closes    likewise, within CLOSE_TIME
 *
 * It runs as whoever started the server, since it has to open the file again, but with no_new_privs, the
 * filter of system calls that workers have, and no descriptor but those it writes to. TERM and INT do
 * not concern it: it is needed up to the end.
 *
 * All functions are for the supervisor (with --one: the only process), which does not wait in any but
 * the last.
 */
#ifndef TANDEM_LOGGER_H
#define TANDEM_LOGGER_H

#include <stdbool.h>
#include <sys/types.h>

#include "server.h"

/* Maps the rings, opens the access log to see that it can be had, and starts the first. False:
 * logged. */
bool logger_open(struct server *s);
/* Starts another when one has died; not more often than every 100 ms. `is_to_reap`: a child has ended,
 * and nobody else asks which. */
void logger_tend(struct server *s, bool is_to_reap);
/* The files are to be opened again. */
void logger_reopen(void);
/* It was the logger that has ended. */
bool logger_reaped(struct server *s, pid_t pid, int status);
/* In a process that is to see none of this: the rings are gone for it. */
void logger_forget(void);
/* What has been written is in the files, or counted as dropped, which is told in one line. Lines
 * that come later are written by those who have them. */
void logger_close(struct server *s);

#endif
