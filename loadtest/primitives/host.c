/*
 * host.c — fork, a socketpair, one order at a time.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../interrupt.h"
#include "../units.h"

#define PATIENCE_NS (30 * NS_PER_S)

enum { HOST_FD = 3 };

struct reply {
    bool good;
    struct lap lap;
    struct complaint why;
};

/* Nothing of the runner is wanted here: not its descriptors (an open end of another host's socket
 * would hide that host's death), nor its handlers, nor its place in the terminal's group, so that
 * ^C is for the runner alone to act on. */
static void become_host(int fd, pid_t runner)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
    if (getppid() != runner)
        _exit(1);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    if (fd != HOST_FD)
        dup2(fd, HOST_FD);
    close_range(HOST_FD + 1, ~0U, 0);
}

_Noreturn static void serve(const struct primitive *what, int fd, pid_t runner)
{
    become_host(fd, runner);
    struct bench bench = {.with = what->with, .runner = runner};
    struct reply reply = {.good = what->open(&bench)};
    uint64_t count;
    do {
        reply.lap = bench.lap;
        reply.why = bench.why;
        if (send(HOST_FD, &reply, sizeof reply, MSG_NOSIGNAL) != (ssize_t)sizeof reply ||
            recv(HOST_FD, &count, sizeof count, 0) != (ssize_t)sizeof count)
            _exit(0);
        bench.lap = (struct lap){0};
        reply.good = what->run(&bench, count);
    } while (true);
}

/* Waits for the answer, ^C or the end of patience, whichever is first. */
static bool await(const struct host *h, struct reply *reply, struct complaint *why)
{
    int64_t deadline = now_ns() + PATIENCE_NS;
    while (!interrupted()) {
        struct pollfd wait = {.fd = h->fd, .events = POLLIN};
        if (poll(&wait, 1, 100) > 0)
            return recv(h->fd, reply, sizeof *reply, 0) == (ssize_t)sizeof *reply ||
                   complain(why, "its process died");
        if (now_ns() > deadline)
            return complain(why, "not done within %d s", (int)(PATIENCE_NS / NS_PER_S));
    }
    return complain(why, "interrupted");
}

static bool answer(const struct host *h, struct lap *lap, struct complaint *why)
{
    struct reply reply = {.good = false};
    if (!await(h, &reply, why))
        return false;
    *lap = reply.lap;
    if (!reply.good)
        *why = reply.why;
    return reply.good;
}

bool host_start(struct host *h, const struct primitive *what, struct complaint *why)
{
    int ends[2];
    struct lap none;
    pid_t runner = getpid();
    *h = (struct host){.fd = -1};
    prctl(PR_SET_CHILD_SUBREAPER, 1UL);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return complain(why, "no socketpair: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        serve(what, ends[1], runner);
    close(ends[1]);
    h->fd = ends[0];
    if (pid < 0)
        return complain(why, "no process: %s", strerror(errno));
    h->pid = pid;
    setpgid(pid, pid); /* whoever is first: it is in its group before it can be killed by it */
    return answer(h, &none, why);
}

bool host_run(struct host *h, uint64_t count, struct lap *lap, struct complaint *why)
{
    if (send(h->fd, &count, sizeof count, MSG_NOSIGNAL) != (ssize_t)sizeof count)
        return complain(why, "its process died");
    return answer(h, lap, why);
}

/* Its children become ours when it dies, and are in its group still: so none is forgotten, and
 * nobody else's child is reaped. */
void host_end(struct host *h)
{
    if (h->pid > 0) {
        kill(-h->pid, SIGKILL);
        while (waitpid(-h->pid, NULL, 0) > 0 || errno == EINTR)
            ;
    }
    if (h->fd >= 0)
        close(h->fd);
    *h = (struct host){.fd = -1};
}
