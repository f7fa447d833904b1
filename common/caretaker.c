/*
 * caretaker.c — one loop over signals, in whichever program it runs.
 */
#include "caretaker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "death.h"
#include "log.h"
#include "model.h"
#include "service_manager.h"
#include "signals.h"

#define STATE "TANDEM_CARETAKER"

enum { CHANNEL = 3, FAILED = 1 };

static struct caretaker self;
static char **server_argv;
static int stops;

/* --- becoming --- */

/* The ward's program, whatever lies at its path by now. False: this one goes on. */
static void become_program(void)
{
    char path[64], state[64], title[64];
    size_t count = 0;
    while (server_argv[count])
        count++;
    char **argv = calloc(count + 2, sizeof *argv);
    if (!argv)
        return;
    snprintf(path, sizeof path, "/proc/%d/exe", self.ward);
    snprintf(state, sizeof state, "%d %d %d %d", CARETAKER_VERSION, self.ward, self.leaving,
             (int)log_threshold());
    snprintf(title, sizeof title, "%s: caretaker of", model_program);
    argv[0] = title;
    memcpy(argv + 1, server_argv, count * sizeof *argv);
    if (setenv(STATE, state, 1) == 0)
        execv(path, argv);
    log_line(LOG_WARN, "the caretaker stays the program it is: %s: %s", path, strerror(errno));
    unsetenv(STATE);
    free(argv);
}

/* The channel has always the same number. */
static bool close_the_rest(void)
{
    if (self.channel != CHANNEL && dup2(self.channel, CHANNEL) < 0)
        return false;
    self.channel = CHANNEL;
    return close_range(CHANNEL + 1, UINT_MAX, 0) == 0;
}

/* Returns if it cannot be. */
static void become(void)
{
    if (!close_the_rest())
        log_line(LOG_ERROR, "the caretaker's descriptors: %s", strerror(errno));
    else if (self.version == CARETAKER_VERSION)
        become_program();
    else
        log_line(LOG_WARN, "the next program knows no caretaker of version %d: this one goes on",
                 CARETAKER_VERSION);
}

/* --- its ward --- */

static void signal_ward(unsigned came)
{
    static const struct {
        unsigned meaning;
        int number;
    } all[] = {{SIGNAL_STOP, SIGTERM},
               {SIGNAL_RELOAD, SIGHUP},
               {SIGNAL_REOPEN, SIGUSR1},
               {SIGNAL_UPGRADE, SIGUSR2}};
    if (came & SIGNAL_UPGRADE && self.leaving > 0) {
        log_line(LOG_WARN,
                 "USR2: the generation before (pid %d) has not ended yet: try again later",
                 self.leaving);
        came &= ~(unsigned)SIGNAL_UPGRADE;
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (came & all[i].meaning)
            kill(self.ward, all[i].number);
    if (came & SIGNAL_STOP && ++stops > 1 && self.leaving > 0)
        kill(self.leaving, SIGKILL);
}

static bool is_child(pid_t pid)
{
    siginfo_t info;
    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Another generation is ready, and has the same parent. What came for its ward goes to the new one first:
 * exec forgets it. */
static void change_ward(const struct message *m, unsigned *came)
{
    pid_t next = (pid_t)channel_number(m->text, CARETAKER_WARD, 0);
    if (m->passed < 0 || !is_child(next)) {
        log_line(LOG_ERROR, "pid %d is no generation that could be the next", next);
        return;
    }
    close(self.channel);
    self = (struct caretaker){
        .ward = next,
        .leaving = self.ward,
        .channel = m->passed,
        .version = (unsigned)channel_number(m->text, CARETAKER_FIELD, 0),
    };
    signal_ward(*came);
    *came = 0;
    become();
    if (!channel_listen(self.channel))
        log_line(LOG_ERROR, "the caretaker's channel: %s", strerror(errno));
}

static void listen_to_ward(unsigned *came)
{
    struct message m;
    while (channel_receive(self.channel, &m)) {
        if (m.sender == self.ward && channel_number(m.text, CARETAKER_WARD, 0) > 0) {
            change_ward(&m, came);
            continue;
        }
        if (m.passed >= 0)
            close(m.passed);
        if (m.sender == self.ward)
            service_manager_say(m.text);
    }
}

/* --- the dead --- */

static int code_of(int status)
{
    struct death d = {.status = status};
    char cause[DEATH_CAUSE_SIZE];
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    log_line(LOG_ERROR, "the server (pid %d) ended by %s, and its caretaker with it", self.ward,
             death_cause(&d, cause));
    return FAILED;
}

/* What it was, only the ward may know. */
static void tell_ward(pid_t pid, int status)
{
    char text[64];
    snprintf(text, sizeof text, CARETAKER_ENDED "%d\nSTATUS=%d", pid, status);
    if (self.ward > 0)
        channel_send(self.channel, text, -1);
}

/* True: there is nothing left to take care of. */
static bool reap(int *code)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == self.ward) {
            *code = code_of(status);
            self.ward = 0;
        } else if (pid == self.leaving) {
            self.leaving = 0;
        } else {
            tell_ward(pid, status);
        }
    }
    return self.ward == 0 && (*code != 0 || self.leaving == 0);
}

/* --- the loop --- */

static int care(void)
{
    int code = 0, signals = signals_open();
    if (signals < 0 || !channel_listen(self.channel)) {
        log_line(LOG_ERROR, "the caretaker: %s", strerror(errno));
        return FAILED;
    }
    prctl(PR_SET_NAME, "caretaker");
    for (unsigned came = 0; !reap(&code); came = signals_wait(signals, -1)) {
        listen_to_ward(&came);
        if (self.ward > 0)
            signal_ward(came);
        else if (came & SIGNAL_STOP)
            kill(self.leaving, SIGKILL);
    }
    return code;
}

int caretaker_become(const struct caretaker *c, char **argv)
{
    self = *c;
    server_argv = argv;
    become();
    return care();
}

bool caretaker_is_wanted(void)
{
    return getenv(STATE) != NULL;
}

int caretaker_main(char **argv)
{
    unsigned version, level = LOG_WARN;
    bool ok =
        sscanf(getenv(STATE), "%u %d %d %u", &version, &self.ward, &self.leaving, &level) >= 3 &&
        version == CARETAKER_VERSION && is_child(self.ward);
    log_open(model_program, level <= LOG_DEBUG ? (enum log_level)level : LOG_WARN);
    unsetenv(STATE);
    self.channel = CHANNEL;
    server_argv = argv + 1;
    if (ok)
        return care();
    log_line(LOG_ERROR, STATE " is set, and not for us: leave it unset");
    return FAILED;
}
