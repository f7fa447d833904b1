/*
 * signals.c — signalfd and poll.
 */
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_open(void)
{
    static const int ours[] = {SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGUSR1};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        sigaddset(&set, ours[i]);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static unsigned meaning(unsigned number)
{
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
    default:
        return 0;
    }
}

unsigned signals_wait(int fd, int timeout)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct signalfd_siginfo info;
    unsigned came = 0;
    poll(&wait, 1, timeout);
    while (read(fd, &info, sizeof info) == sizeof info)
        came |= meaning(info.ssi_signo);
    return came;
}
