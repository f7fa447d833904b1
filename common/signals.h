/*
 * signals.h — signals as a readable descriptor: they interrupt nothing, and their consequences
 * stand in one loop.
 */
#ifndef TANDEM_SIGNALS_H
#define TANDEM_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
    SIGNAL_STOP = 1,     /* TERM, INT */
    SIGNAL_CHILD = 2,    /* CHLD */
    SIGNAL_RELOAD = 4,   /* HUP */
    SIGNAL_REOPEN = 8,   /* USR1 */
    SIGNAL_OWN = 16,     /* SIGNAL_OURS */
    SIGNAL_UPGRADE = 32, /* USR2 */
    SIGNAL_REPLACED = 64 /* none that is sent: another generation serves in our place */
};

#define SIGNAL_OURS \
    SIGRTMIN /* blocked, too: means what those who send it to each other make of it */

/* Before the first child: what whoever has started us ignores, exec hands down to us, and where CHLD is
 * ignored the kernel tells of no end, where PROF is, a CPU clock ends nobody. */
void signals_begin(void);

/* Blocks them all, and no other, and opens the descriptor; children inherit the mask. PIPE is ignored: a
 * client that has gone is an error of send(2), not the end of the server. URG interrupts, and does no
 * more: so a handler is told that its time is nearly over. -1 with errno on failure. */
int signals_open(void);

/* For epoll_pwait and the like: what is blocked, less SIGNAL_OURS. So a worker can be woken while it waits
 * for something to do, and at no other time: a handler notices nothing, and a signal that comes before the
 * wait ends it at once. */
void signals_wakeable(sigset_t *mask);

/* The calling process dies when `parent` does, and at once if it has died already. To be said again
 * after a fork, and after a change of user, which makes the kernel forget (prctl(2)). */
void signals_die_with(pid_t parent);

/* Whenever `fd` (a socket or a pipe of ours, which becomes non-blocking) can be read, the calling process
 * is woken as by the end of a child: its loop needs no other thing to wait for. False: errno. */
bool signals_wake_by(int fd);

/* Waits for at most `timeout` ms (-1: as long as it takes); returns the signals that came, as a set. */
unsigned signals_wait(int fd, int timeout);
/* Whoever waited for one kind alone gives back the others: they are in the next result. By one thread. */
void signals_put_off(unsigned came);

#endif
