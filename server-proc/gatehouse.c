/*
 * gatehouse.c — fork, exec, and a look at it now and then.
 */
#include "gatehouse.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/death.h"
#include "common/model.h"

#define PROGRAM "tls-gate"

enum {
    EXIT_NO_PROGRAM = 127,
    LOOK_PAUSE = 50,
    YOUNG = 1000,
    PAUSE = 1000,
    GOODBYE = 3000 /* ms */
};

static struct house {
    struct gate_board *board;
    int board_fd; /* a memfd */
    int channel;  /* the gates' end */
    pid_t pid;    /* 0: there is none */
    pid_t last;   /* who it was, and the process group of its gates */
    int64_t born; /* monotonic ms */
    int64_t died;
    int64_t not_before;
    bool is_draining;
} self = {.board_fd = -1, .channel = -1};

struct gate_board *gatehouse_board(void)
{
    return self.board;
}

void gatehouse_forget(const struct server *s)
{
    if (self.board)
        gate_board_unmap(self.board, &s->options);
    self.board = NULL;
}

void gatehouse_guard(struct guard *g)
{
    if (!self.board)
        return;
    guard_keep_for_gates(g, self.board_fd);
    guard_keep_for_gates(g, self.channel);
}

/* --- becoming tls-gate --- */

static char program[PATH_MAX] = PROGRAM;

static void complain(void)
{
    log_line(LOG_ERROR, "%s: %s; it speaks TLS for server-proc, and is installed beside it",
             program, strerror(errno));
}

/* Beside this program, wherever that was when it was started: another may be there by now. False:
 * logged. */
static bool find_program(void)
{
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - sizeof PROGRAM);
    if (n < 0) {
        complain();
        return false;
    }
    program[n] = '\0';
    strcpy(strrchr(program, '/') + 1, PROGRAM); /* it is absolute */
    return true;
}

/* In a child, which has a descriptor table and a memory of its own. Signals stay blocked, as far as they
 * are: those that come before the program has opened its own descriptor for them wait until it has. */
static _Noreturn void become_program(const struct options *o)
{
    o->command_line[0] = program;
    execv(program, o->command_line);
    complain();
    _exit(EXIT_NO_PROGRAM);
}

bool model_check_tls(const struct options *o)
{
    int status = 0;
    if (!find_program())
        return false;
    pid_t pid = fork();
    if (pid == 0)
        become_program(o);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        log_line(LOG_ERROR, "no process for " PROGRAM ": %s", strerror(errno));
        return false;
    }
    return status == 0;
}

/* Where they come from may be where they go to: first all out of the way. */
static bool place_descriptors(const struct server *s)
{
    enum { ASIDE = 100 };
    int held[GATE_LISTENERS + LIMIT_LISTENERS];
    int next = 3;
    held[next++] = self.channel;
    held[next++] = self.board_fd;
    for (size_t i = 0; i < s->listeners.count; i++)
        if (s->listeners.all[i].kind == LISTENER_TLS)
            held[next++] = s->listeners.all[i].fd;
    for (int i = 3; i < next; i++)
        held[i] = fcntl(held[i], F_DUPFD, ASIDE);
    for (int i = 3; i < next; i++)
        if (held[i] < 0 || dup2(held[i], i) < 0)
            return false;
    return close_range((unsigned)next, UINT_MAX, 0) == 0;
}

/* A process group of its own: a terminal's Ctrl-C is for the supervisor, which passes on what is
 * meant; and by the group workers know what comes from a gate (wire_tls_accepted). */
static _Noreturn void become_gatehouse(const struct server *s, pid_t supervisor)
{
    signals_die_with(supervisor);
    if (setpgid(0, 0) != 0 || !place_descriptors(s)) {
        log_line(LOG_ERROR, "the gatehouse: %s", strerror(errno));
        _exit(EXIT_FAILURE);
    }
    become_program(&s->options);
}

/* --- life and death --- */

static bool start(struct server *s)
{
    pid_t supervisor = getpid();
    atomic_store(&self.board->is_open, 0);
    pid_t pid = fork();
    if (pid == 0)
        become_gatehouse(s, supervisor);
    if (pid < 0) {
        log_line(LOG_ERROR, "no process for " PROGRAM ": %s", strerror(errno));
        return false;
    }
    self.pid = self.last = pid;
    self.born = clock_ms();
    atomic_store(&self.board->group, pid);
    return true;
}

static void tell_death(int status)
{
    struct death d = {.status = status};
    char cause[DEATH_CAUSE_SIZE];
    log_line(LOG_ERROR, "the gatehouse ended by %s: its gates and their connections are gone",
             death_cause(&d, cause));
}

bool gatehouse_reaped(pid_t pid, int status)
{
    if (pid != self.pid || pid == 0)
        return false;
    self.pid = 0;
    if (self.is_draining && status == 0)
        return true;
    tell_death(status);
    atomic_fetch_add(&self.board->figures.gate_deaths, 1);
    self.died = clock_ms();
    self.not_before = self.died - self.born < YOUNG ? self.died + PAUSE : 0;
    return true;
}

/* Gates die with their gatehouse, but after it, and till then have their listeners. */
static bool has_gates_left(void)
{
    return clock_ms() < self.died + PAUSE && (kill(-self.last, 0) == 0 || errno != ESRCH);
}

void gatehouse_tend(struct server *s, struct guard *g)
{
    if (!self.board || self.pid > 0 || self.is_draining || clock_ms() < self.not_before)
        return;
    guard_tick(g); /* what it is given must be what it was */
    if (g->has_lost_gates || (guard_has_lost_listener(g) && has_gates_left()))
        return;
    if (!guard_open_lost(g) || !start(s))
        self.not_before = clock_ms() + PAUSE;
}

static void signal_it(int number)
{
    if (self.pid > 0)
        kill(self.pid, number);
}

void gatehouse_reload(void)
{
    signal_it(SIGHUP);
}

void gatehouse_drain(void)
{
    if (self.is_draining)
        return;
    self.is_draining = true;
    signal_it(GATE_DRAIN);
}

bool gatehouse_is_drained(int64_t until)
{
    if (self.pid == 0)
        return true;
    if (clock_ms() < until)
        return false;
    log_line(LOG_WARN, "connections of the gates were cut off after --drain-timeout");
    return true;
}

/* --- opening and closing --- */

/* It says itself why it cannot be opened; what it cannot say is how it was ended. */
static bool await_open(void)
{
    int status;
    while (!gate_board_await(self.board, LOOK_PAUSE)) {
        if (waitpid(self.pid, &status, WNOHANG) != self.pid)
            continue;
        self.pid = 0;
        if (WIFSIGNALED(status))
            tell_death(status);
        return false;
    }
    return true;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* False: logged, and nothing is open. */
static bool open_shared(struct server *s)
{
    int ends[2];
    self.board_fd = gate_board_make(&s->options);
    self.board = self.board_fd < 0 ? NULL : gate_board_map(self.board_fd, &s->options);
    if (!self.board ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        log_line(LOG_ERROR, "what gates and workers share: %s", strerror(errno));
        close_if_open(&self.board_fd);
        gatehouse_forget(s);
        return false;
    }
    s->handover = ends[0];
    self.channel = ends[1];
    s->tls = &self.board->figures;
    return true;
}

bool gatehouse_is_cut_off(const struct guard *g)
{
    return self.board && g->has_lost_gates && !self.is_draining && clock_ms() >= self.not_before;
}

static void kill_gatehouse(void)
{
    signal_it(SIGKILL);
    if (self.pid > 0)
        waitpid(self.pid, NULL, 0);
    self.pid = 0;
}

/* Should there be no memory or no numbers, it is tried again: all that was is kept till then. */
void gatehouse_renew(struct server *s, struct guard *g)
{
    const struct house old = self;
    if (!gatehouse_is_cut_off(g))
        return;
    log_line(LOG_ERROR, "what joins gates and workers is gone: starting other gates");
    int handover = s->handover;
    if (!open_shared(s)) {
        self = old;
        s->handover = handover;
        self.not_before = clock_ms() + PAUSE;
        return;
    }
    kill_gatehouse();
    self.died = clock_ms();
    memcpy(&self.board->figures, &old.board->figures, sizeof old.board->figures);
    atomic_fetch_add(&self.board->figures.gate_deaths, 1);
    gate_board_unmap(old.board, &s->options);
    guard_close_gates(g);
    gatehouse_guard(g);
    if (!guard_keep_handover(g))
        log_line(LOG_ERROR, "the way in from the gates: %s", strerror(errno));
}

bool model_open_tls(struct server *s)
{
    if (find_program() && open_shared(s) && start(s) && await_open())
        return true;
    model_close_tls(s);
    return false;
}

/* What workers have ended in order may still be on its way to the client; but whoever was told before
 * to drain, has had its time. */
static void end_gatehouse(void)
{
    int64_t until = self.is_draining ? 0 : clock_ms() + GOODBYE;
    gatehouse_drain();
    while (self.pid > 0 && clock_ms() < until) {
        if (waitpid(self.pid, NULL, WNOHANG) != 0)
            self.pid = 0;
        else
            usleep(1000);
    }
    kill_gatehouse();
}

/* One process has both parts: the worker's is at rest. */
void model_tend_tls(struct server *s, struct guard *g, bool is_to_reload)
{
    int status = 0;
    if (self.pid > 0 && waitpid(self.pid, &status, WNOHANG) != 0)
        gatehouse_reaped(self.pid, status);
    gatehouse_renew(s, g);
    gatehouse_tend(s, g);
    if (is_to_reload)
        gatehouse_reload();
}

void model_close_tls(struct server *s)
{
    if (self.pid > 0)
        end_gatehouse();
    close_if_open(&self.channel);
    close_if_open(&self.board_fd);
    close_if_open(&s->handover);
    s->tls = NULL;
    gatehouse_forget(s);
}
