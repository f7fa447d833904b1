/*
 * log.c — formats a line on the stack, and leaves it in a ring or writes it with one system call.
 */
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *program_name = "tandem";
static enum log_level threshold = LOG_INFO;
static const struct log_rings *rings;
static _Thread_local struct {
    size_t seat;
    pid_t pid; /* who sat down here; 0: nobody */
} own;

void log_open(const char *program, enum log_level level)
{
    program_name = program;
    threshold = level;
}

void log_use(const struct log_rings *r)
{
    rings = r;
    own.pid = 0;
}

void log_sit(size_t seat)
{
    own.seat = seat;
    own.pid = getpid();
}

void log_put(enum log_kind kind, const char *line, size_t length)
{
    if (rings && own.pid != 0)
        log_ring_put(rings, own.seat, kind, line, length);
}

/* A pipe that says so has room for PIPE_BUF bytes, which is more than a line. */
bool log_has_room(int fd)
{
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    return poll(&out, 1, 0) != 0;
}

/* A child of somebody who has a seat has none: its ring has one writer already. */
static void put_or_write(enum log_level level, pid_t pid, const char *line, size_t length)
{
    enum log_kind kind = level <= LOG_WARN ? LOG_TROUBLE : LOG_NEWS;
    int fd = level <= LOG_WARN ? STDERR_FILENO : STDOUT_FILENO;
    if (rings && own.pid == pid) {
        log_ring_put(rings, own.seat, kind, line, length);
        return;
    }
    if (log_has_room(fd)) {
        ssize_t written = write(fd, line, length);
        (void)written; /* nowhere left to complain */
    } else if (rings)
        log_count_dropped(rings, kind, 1);
}

enum log_level log_threshold(void)
{
    return threshold;
}

/* What a request or a dead worker's slot brought in makes no lines of its own, and gives a terminal no
 * orders. */
static void defuse(char *at, const char *end)
{
    for (; at < end; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > threshold)
        return;
    char line[2048];
    pid_t pid = getpid();
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    int at = snprintf(line, sizeof line,
                      "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s[%d] %s: ", tm.tm_year + 1900,
                      tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                      now.tv_nsec / 1000000, program_name, (int)pid, names[level]);
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(line + at, sizeof line - (size_t)at - 1, format, ap);
    va_end(ap);
    size_t len = (size_t)at + (n < 0 ? 0 : (size_t)n);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    defuse(line + at, line + len);
    line[len++] = '\n';
    put_or_write(level, pid, line, len);
}

const char *log_signal(int number, char out[64])
{
    const char *name = sigabbrev_np(number), *text = sigdescr_np(number);
    if (name && text)
        snprintf(out, 64, "SIG%s (%s)", name, text);
    else
        snprintf(out, 64, "signal %d", number);
    return out;
}
