/*
 * signals.c — signalfd and poll.
 */
#include "signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void interrupt(int number)
{
    (void)number;
}

/* URG has no other meaning than that a system call in which somebody waits returns EINTR; nor has ours, where
 * it is not blocked. */
static bool let_some_interrupt(void)
{
    struct sigaction action = {.sa_handler = interrupt}; /* without SA_RESTART */
    return sigemptyset(&action.sa_mask) == 0 && sigaction(SIGURG, &action, NULL) == 0 &&
           sigaction(SIGNAL_OURS, &action, NULL) == 0;
}

void signals_begin(void)
{
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPROF, SIG_DFL);
}

int signals_open(void)
{
    const int ours[] = {SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGUSR1, SIGUSR2, SIGNAL_OURS};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        sigaddset(&set, ours[i]);
    signal(SIGPIPE, SIG_IGN);
    if (!let_some_interrupt() || sigprocmask(SIG_SETMASK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void signals_wakeable(sigset_t *mask)
{
    pthread_sigmask(SIG_BLOCK, NULL, mask);
    sigdelset(mask, SIGNAL_OURS);
}

void signals_die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
}

/* CHLD and no other: a signal of one's own that finds no room in the queue comes as IO, which ends the
 * process. */
bool signals_wake_by(int fd)
{
    return fcntl(fd, F_SETSIG, SIGCHLD) == 0 && fcntl(fd, F_SETOWN, getpid()) == 0 &&
           fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC | O_NONBLOCK) == 0;
}

static unsigned meaning(unsigned number)
{
    if (number == (unsigned)SIGNAL_OURS)
        return SIGNAL_OWN;
    switch (number) {
    case SIGTERM:
    case SIGINT:
        return SIGNAL_STOP;
    case SIGCHLD:
        return SIGNAL_CHILD;
    case SIGHUP:
        return SIGNAL_RELOAD;
    case SIGUSR1:
        return SIGNAL_REOPEN;
    case SIGUSR2:
        return SIGNAL_UPGRADE;
    default:
        return 0;
    }
}

static unsigned put_off; /* came, and was of no use to whoever waited */

void signals_put_off(unsigned came)
{
    put_off |= came;
}

unsigned signals_wait(int fd, int timeout)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct signalfd_siginfo info;
    unsigned came = put_off;
    put_off = 0;
    poll(&wait, 1, came ? 0 : timeout);
    while (read(fd, &info, sizeof info) == sizeof info)
        came |= meaning(info.ssi_signo);
    return came;
}
