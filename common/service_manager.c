/*
 * service_manager.c — a socket for each message: one that is kept could be closed by a handler.
 */
#include "service_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "caretaker.h"
#include "channel.h"
#include "clock.h"
#include "quantity.h"
#include "signals.h"

static struct manager {
    int channel;      /* to whoever has started us; -1: we are the first */
    int announced[2]; /* pipe: from the process that serves */
    bool is_quiet;    /* another generation speaks */
    bool is_ready;
    int64_t reloading_since; /* monotonic µs; 0: nothing is being reloaded */
    bool is_stopping;
    bool has_watchdog;
    timer_t timer;
    int64_t pause; /* ms between two signs of life */
    int64_t due;   /* monotonic ms */
    unsigned beat; /* of the keeper, at the last of them */
} self = {.channel = -1, .announced = {-1, -1}};

/* --- saying --- */

/* False: $NOTIFY_SOCKET names no socket we know of. */
static bool find_manager(struct sockaddr_un *to, socklen_t *size)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof to->sun_path)
        return false;
    memcpy(to->sun_path, path, strlen(path));
    if (*path == '@')
        to->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    return true;
}

static void send_to_manager(const char *message)
{
    struct sockaddr_un to;
    socklen_t size;
    if (!find_manager(&to, &size))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&to, size);
    close(fd);
}

void service_manager_say(const char *message)
{
    if (self.channel < 0)
        send_to_manager(message);
    else
        channel_send(self.channel, message, -1);
}

void service_manager_hush(void)
{
    self.is_quiet = true;
}

/* --- opening --- */

/* Those of a later generation name the first process, which is its parent. */
static bool is_for_us(const char *pid)
{
    uint64_t number;
    pid_t whom = self.channel < 0 ? getpid() : getppid();
    return !pid || (parse_number(pid, INT32_MAX, &number) && (pid_t)number == whom);
}

/* The loop may sleep for longer than that: a timer wakes it, by the signal of a child's end. */
static bool start_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCHLD};
    const struct timespec pause = {self.pause / 1000, self.pause % 1000 * 1000000};
    const struct itimerspec when = {.it_interval = pause, .it_value = pause};
    return timer_create(CLOCK_MONOTONIC, &event, &self.timer) == 0 &&
           timer_settime(self.timer, 0, &when, NULL) == 0;
}

static bool open_watchdog(void)
{
    uint64_t microseconds;
    const char *text = getenv("WATCHDOG_USEC");
    if (!text || !is_for_us(getenv("WATCHDOG_PID")) ||
        !parse_number(text, INT64_MAX, &microseconds) || microseconds < 2000)
        return true;
    self.pause = (int64_t)microseconds / 2000;
    self.has_watchdog = start_timer();
    return self.has_watchdog;
}

bool service_manager_open(int channel)
{
    self.channel = channel;
    if (pipe2(self.announced, O_CLOEXEC | O_NONBLOCK) == 0 && signals_wake_by(self.announced[0]) &&
        open_watchdog())
        return true;
    log_line(LOG_ERROR, "the service manager's messages: %s", strerror(errno));
    service_manager_close();
    return false;
}

void service_manager_close(void)
{
    if (self.has_watchdog)
        timer_delete(self.timer);
    self.has_watchdog = false;
    for (int i = 0; i < 2; i++) {
        if (self.announced[i] >= 0)
            close(self.announced[i]);
        self.announced[i] = -1;
    }
}

/* --- what is to be said --- */

void service_manager_announce(void)
{
    ssize_t written = write(self.announced[1], "!", 1);
    (void)written; /* full: it has been said often enough */
}

static void say_ready(const struct server *s)
{
    char message[SERVICE_MESSAGE];
    snprintf(message, sizeof message, "READY=1\n" CARETAKER_FIELD "%d\nSTATUS=serving",
             CARETAKER_VERSION);
    for (size_t i = 0; i < s->listeners.count; i++) {
        strncat(message, " ", sizeof message - strlen(message) - 1);
        strncat(message, s->listeners.all[i].name, sizeof message - strlen(message) - 1);
    }
    service_manager_say(message);
}

static void look_for_announcement(const struct server *s)
{
    char ignored[16];
    if (self.is_ready || read(self.announced[0], ignored, sizeof ignored) <= 0)
        return;
    self.is_ready = true;
    say_ready(s);
}

void service_manager_say_reloading(void)
{
    char message[SERVICE_MESSAGE];
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
    service_manager_say(message);
}

/* Whatever writes to the board can only change when we say it; the same number twice says nothing. */
static void show_life(const struct server *s)
{
    unsigned beat = atomic_load(&s->board->beat);
    if (!self.has_watchdog || clock_ms() < self.due || beat == self.beat)
        return;
    self.beat = beat;
    self.due = clock_ms() + self.pause * 3 / 4; /* the timer's next, not the loop's */
    service_manager_say("WATCHDOG=1");
}

/* Whoever lived when HUP came has gone, or does so before it takes another request. Should the board say
 * nonsense, it is no reason to wait for ever. */
static bool is_reloaded(const struct server *s)
{
    int64_t since = self.reloading_since;
    bool is_patient = clock_us() - since < s->options.drain_timeout * 1000;
    for (size_t i = 0; is_patient && !s->options.one && i < s->slots; i++) {
        const struct worker_slot *slot = &s->board->slots[i];
        int state = atomic_load(&slot->state);
        bool lives = state != WORKER_NONE && state != WORKER_LOST;
        if (lives && atomic_load(&slot->born) <= since && !atomic_load(&slot->must_leave))
            return false;
    }
    return true;
}

static void look_after_reload(const struct server *s, unsigned came)
{
    if (self.reloading_since && is_reloaded(s)) {
        self.reloading_since = 0;
        service_manager_say("READY=1");
    }
    if (came & SIGNAL_RELOAD) {
        self.reloading_since = clock_us();
        service_manager_say_reloading();
    }
}

void service_manager_tend(struct server *s, unsigned came)
{
    if (self.is_quiet)
        return;
    look_for_announcement(s);
    if (came & SIGNAL_STOP && !self.is_stopping) {
        self.is_stopping = true;
        service_manager_say("STOPPING=1\nSTATUS=finishing what has begun");
    }
    if (self.is_ready && !self.is_stopping)
        look_after_reload(s, came);
    show_life(s);
}
