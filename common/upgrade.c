/*
 * upgrade.c — clone and exec, then a look at the channel in each round of the loop.
 */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "activation.h"
#include "caretaker.h"
#include "channel.h"
#include "clock.h"
#include "death.h"
#include "drain.h"
#include "service_manager.h"
#include "signals.h"

#define STATE "TANDEM_NEXT"

enum { VERSION = 1, FIRST = 3, NO_PROGRAM = 127 };

static struct upgrade {
    /* As we were started. */
    char **argv;
    char path[PATH_MAX];
    sigset_t mask;
    void (*on_pipe)(int);
    int ready_fd; /* that of the first generation is nobody else's */
    int up; /* to whoever has started us, later to the caretaker; -1: we are the first process */

    enum { ALONE, STARTING, REPLACED } state;
    int ends[2];      /* of the channel to the next: ours, and its own */
    pid_t next;       /* 0: there is none */
    int64_t until;    /* monotonic ms: when it has to be ready */
    unsigned version; /* of the caretaker that it could be */
    unsigned missed;  /* signals that came while it was STARTING, and perhaps has not heard */
    int status;       /* how it has ended, in state REPLACED, once next is 0 */
    bool is_ending;   /* TERM came */
} self = {.ready_fd = -1, .up = -1, .ends = {-1, -1}};

/* --- as we were started --- */

/* By the name that was used, not by where a link led then: replacing what the link names is a way to
 * replace the binary. */
static void find_path(void)
{
    const char *name =
        (const char *)(uintptr_t)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
    char here[PATH_MAX];
    while (name && strncmp(name, "./", 2) == 0)
        name += 2;
    bool is_whole = !name || *name == '/' || !getcwd(here, sizeof here);
    if (!name)
        return;
    int length = is_whole ? snprintf(self.path, sizeof self.path, "%s", name)
                          : snprintf(self.path, sizeof self.path, "%s/%s", here, name);
    if (length >= (int)sizeof self.path)
        self.path[0] = '\0';
}

static bool read_state(const char *text)
{
    unsigned version;
    int parent;
    if (sscanf(text, "%u %d %d", &version, &self.up, &parent) != 3 || version != VERSION ||
        fcntl(self.up, F_SETFD, FD_CLOEXEC) != 0) {
        log_line(LOG_ERROR,
                 STATE "=%.100s is none of ours: what has started this is too old or too "
                       "new to be replaced: restart it instead",
                 text);
        return false;
    }
    signals_die_with((pid_t)parent); /* exec may have made the kernel forget */
    return true;
}

bool upgrade_begin(char **argv)
{
    struct sigaction pipe = {.sa_handler = SIG_DFL};
    const char *state = getenv(STATE);
    self.argv = argv;
    sigprocmask(SIG_BLOCK, NULL, &self.mask);
    sigaction(SIGPIPE, NULL, &pipe);
    self.on_pipe = pipe.sa_handler;
    find_path();
    bool ok = !state || read_state(state);
    unsetenv(STATE);
    return ok;
}

int upgrade_channel(void)
{
    return self.up;
}

/* The number of --ready-fd stands in the arguments still, and had to be open. */
static void forget_ready_fd(struct server *s)
{
    if (s->options.ready_fd > self.up)
        close(s->options.ready_fd);
    s->options.ready_fd = -1;
}

bool upgrade_open(struct server *s)
{
    self.ready_fd = s->options.ready_fd;
    if (self.up >= 0)
        forget_ready_fd(s);
    if (channel_open(self.ends) && (self.up < 0 || channel_listen(self.up)))
        return true;
    log_line(LOG_ERROR, "the channel to the next generation: %s", strerror(errno));
    upgrade_close();
    return false;
}

void upgrade_guard(struct guard *g)
{
    const int all[] = {self.up, self.ends[0], self.ends[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] >= 0)
            guard_keep(g, all[i]);
}

/* --- in the child that becomes the next generation --- */

/* Where they come from may be where they go to: first all out of the way. Returns the number of the
 * channel, behind the listeners; -1: errno. */
static int place_descriptors(const struct server *s, char *names, size_t size)
{
    enum { ASIDE = 100 };
    int held[LIMIT_LISTENERS + 2], count = 0;
    for (size_t i = 0; i < s->listeners.count; i++) {
        const struct listener *l = &s->listeners.all[i];
        if (l->fd < 0) /* lost, and to be opened again (guard.h) */
            continue;
        held[count++] = fcntl(l->fd, F_DUPFD, ASIDE);
        snprintf(names + strlen(names), size - strlen(names), "%s%s", *names ? ":" : "",
                 activation_name(l));
    }
    held[count++] = fcntl(self.ends[1], F_DUPFD, ASIDE);
    for (int i = 0; i < count; i++)
        if (held[i] < 0 || dup2(held[i], FIRST + i) < 0)
            return -1;
    return close_range((unsigned)(FIRST + count), UINT_MAX, 0) == 0 ? FIRST + count - 1 : -1;
}

static bool set_number(const char *name, long number)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", number);
    return setenv(name, text, 1) == 0;
}

static bool set_environment(int channel, const char *names, pid_t parent)
{
    char state[64];
    snprintf(state, sizeof state, "%d %d %d", VERSION, channel, parent);
    return set_number("LISTEN_PID", getpid()) && set_number("LISTEN_FDS", channel - FIRST) &&
           setenv("LISTEN_FDNAMES", names, 1) == 0 && setenv(STATE, state, 1) == 0;
}

static bool fill_ready_fd(int channel)
{
    if (self.ready_fd <= channel)
        return true;
    int null = open("/dev/null", O_RDWR);
    return null == self.ready_fd || (dup2(null, self.ready_fd) >= 0 && close(null) == 0);
}

/* In a process group of its own: ^C at a terminal is for the caretaker, who passes it on once, and all that
 * comes of a program that is no server can be ended together. */
static _Noreturn void become_next(const struct server *s, pid_t parent)
{
    char names[LIMIT_LISTENERS * 16] = "";
    setpgid(0, 0);
    signals_die_with(parent);
    int channel = place_descriptors(s, names, sizeof names);
    if (channel >= 0 && set_environment(channel, names, parent) && fill_ready_fd(channel)) {
        signal(SIGPIPE, self.on_pipe);
        sigprocmask(SIG_SETMASK, &self.mask, NULL);
        execv(self.path, self.argv);
    }
    log_line(LOG_ERROR, "%s: %s", self.path, strerror(errno));
    _exit(NO_PROGRAM);
}

/* --- starting --- */

static void forget_messages(void)
{
    struct message m;
    while (channel_receive(self.ends[0], &m))
        if (m.passed >= 0)
            close(m.passed);
}

static void start(const struct server *s)
{
    bool is_first = self.up < 0;
    pid_t parent = is_first ? getpid() : getppid();
    forget_messages(); /* of one that was killed */
    pid_t pid =
        (pid_t)syscall(SYS_clone, SIGCHLD | (is_first ? 0 : CLONE_PARENT), 0, NULL, NULL, 0);
    if (pid == 0)
        become_next(s, parent);
    if (pid < 0) {
        log_line(LOG_ERROR, "USR2: no process: %s: this generation serves on", strerror(errno));
        return;
    }
    self.next = pid;
    self.state = STARTING;
    self.missed = 0;
    self.until = clock_ms() + s->options.drain_timeout;
    log_line(LOG_INFO, "USR2: starting %s as pid %d", self.path, pid);
    service_manager_say_reloading();
}

static void ask_to_start(const struct server *s)
{
    const char *why = s->options.one           ? "with --one there is nothing to hand over"
                      : self.state == STARTING ? "the next generation is being started already"
                      : self.state == REPLACED ? "this generation has been replaced"
                      : self.is_ending         ? "this generation is about to end"
                      : self.ends[0] < 0       ? "there is no channel"
                      : self.path[0] == '\0'   ? "it is not known what was started"
                                               : NULL;
    if (why)
        log_line(LOG_WARN, "USR2 is ignored: %s", why);
    else
        start(s);
}

/* --- rolling back --- */

static void kill_next(void)
{
    if (self.next > 0) {
        kill(-self.next, SIGKILL);
        kill(self.next, SIGKILL); /* it may not have made its group yet */
    }
    self.next = 0;
    self.state = ALONE;
}

static void tell_failure(const char *why)
{
    log_line(LOG_ERROR, "USR2: %s (pid %d) %s: this generation serves on", self.path, self.next,
             why);
    service_manager_say("READY=1");
}

static void roll_back(const char *why)
{
    tell_failure(why);
    kill_next();
}

bool upgrade_reaped(pid_t pid, int status)
{
    struct death d = {.status = status};
    char cause[DEATH_CAUSE_SIZE], why[DEATH_CAUSE_SIZE + 64];
    if (pid != self.next || pid == 0)
        return false;
    death_cause(&d, cause);
    snprintf(why, sizeof why, "has ended by %s before it was ready", cause);
    if (self.state == STARTING) {
        tell_failure(why);
        self.state = ALONE;
    } else if (status != 0) {
        log_line(LOG_ERROR, "the next generation (pid %d) has ended by %s", pid, cause);
    }
    self.next = 0;
    self.status = status;
    return true;
}

/* --- being replaced --- */

static void pass_on(unsigned came, unsigned meaning, int number)
{
    if (came & meaning && self.next > 0)
        kill(self.next, number);
}

/* The caretaker, too, may not have known yet that they are another's. One that has been replaced is ending
 * already, and makes nothing of the first TERM. */
static unsigned divide(unsigned came)
{
    pass_on(came, SIGNAL_STOP, SIGTERM);
    pass_on(came, SIGNAL_RELOAD, SIGHUP);
    pass_on(came, SIGNAL_REOPEN, SIGUSR1);
    return came & ~(unsigned)SIGNAL_RELOAD;
}

/* The caretaker has to know whose it is before we go. */
static bool tell_caretaker(void)
{
    char text[128];
    snprintf(text, sizeof text, CARETAKER_WARD "%d\n" CARETAKER_FIELD "%u", self.next,
             self.version);
    channel_leave(self.ends[0]);
    return channel_send(self.up, text, self.ends[0]);
}

static bool hand_over(struct server *s, const char *text)
{
    self.version = (unsigned)channel_number(text, CARETAKER_FIELD, 0);
    service_manager_say(text);
    if (self.up >= 0 && !tell_caretaker()) {
        roll_back("is not known to the caretaker");
        return false;
    }
    self.state = REPLACED;
    service_manager_hush();
    drain_disown(s);
    divide(self.missed);
    log_line(LOG_INFO, "pid %d serves: this generation finishes what it has begun", self.next);
    return true;
}

/* The caretaker has reaped it. */
static void listen_to_parent(void)
{
    struct message m;
    while (self.up >= 0 && channel_receive(self.up, &m)) {
        if (m.passed >= 0)
            close(m.passed);
        if (m.sender == getppid())
            upgrade_reaped((pid_t)channel_number(m.text, CARETAKER_ENDED, 0),
                           (int)channel_number(m.text, "STATUS=", 0));
    }
}

/* What it says once it is ready is for the service manager. Returns SIGNAL_REPLACED, or 0. */
static unsigned listen_to_next(struct server *s)
{
    struct message m;
    unsigned news = 0;
    bool is_ours = self.state == STARTING || self.up < 0;
    while (self.state != ALONE && is_ours && channel_receive(self.ends[0], &m)) {
        if (m.passed >= 0)
            close(m.passed);
        if (m.sender != self.next)
            continue;
        if (self.state == REPLACED)
            service_manager_say(m.text);
        else if (channel_number(m.text, "READY=", 0) == 1 && hand_over(s, m.text))
            news = SIGNAL_REPLACED;
        is_ours = self.state == STARTING || self.up < 0;
    }
    return news;
}

/* --- the loop --- */

unsigned upgrade_tend(struct server *s, unsigned came)
{
    listen_to_parent();
    if (self.state == STARTING)
        self.missed |= came & (SIGNAL_RELOAD | SIGNAL_REOPEN);
    unsigned news = listen_to_next(s);
    if (self.state == REPLACED) {
        if (came & SIGNAL_UPGRADE)
            ask_to_start(s);
        return divide(came) | news;
    }
    if (came & SIGNAL_STOP) {
        self.is_ending = true;
        upgrade_close();
    } else if (self.state == STARTING && clock_ms() >= self.until) {
        roll_back("was not ready within --drain-timeout");
    }
    if (came & SIGNAL_UPGRADE)
        ask_to_start(s);
    return came;
}

void upgrade_close(void)
{
    if (self.state == STARTING) {
        log_line(LOG_WARN, "USR2: pid %d, which was being started, is killed", self.next);
        kill_next();
    }
}

int upgrade_end(int code)
{
    if (self.state != REPLACED)
        return code;
    if (self.next == 0)
        return WIFEXITED(self.status) ? WEXITSTATUS(self.status) : EXIT_FAILURE;
    if (self.up >= 0)
        return code;
    channel_leave(self.ends[0]);
    return caretaker_become(
        &(struct caretaker){.ward = self.next, .channel = self.ends[0], .version = self.version},
        self.argv);
}
