/*
 * subject.c — fork, exec, wait for one line; later TERM, wait, KILL.
 */
#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "units.h"

#define READY_NS (10 * NS_PER_S)
#define DRAIN_NS (5 * NS_PER_S)

/* The child's side; never returns. */
static void become_server(char *const *argv, const char *log, int cpu, int ready, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM);
    if (getppid() != parent)
        _exit(126);
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (ready == SUBJECT_READY_FD)
        fcntl(ready, F_SETFD, 0);
    else
        dup2(ready, SUBJECT_READY_FD);
    close_range(SUBJECT_READY_FD + 1, ~0U, 0);
    execv(argv[0], argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Reads up to the end of one line; false on time-out, end of file or ^C. */
static bool read_line(int fd, char *line, size_t room)
{
    size_t length = 0;
    int64_t deadline = now_ns() + READY_NS;
    while (length + 1 < room && now_ns() < deadline && !interrupted()) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, 100) <= 0)
            continue;
        ssize_t n = read(fd, line + length, room - 1 - length);
        if (n <= 0)
            return false;
        length += (size_t)n;
        line[length] = '\0';
        char *end = strchr(line, '\n');
        if (end) {
            *end = '\0';
            return true;
        }
    }
    return false;
}

/* "ready 127.0.0.1:1234 …" → the first address. */
static bool parse_ready(const char *line, char *address)
{
    return sscanf(line, "ready %127s", address) == 1;
}

/* The last lines of the server's log, in one. */
static void read_log(const char *name, char *text, size_t room)
{
    size_t n = 0;
    FILE *in = fopen(name, "r");
    if (in) {
        if (fseek(in, -(long)room + 1, SEEK_END) != 0)
            rewind(in);
        n = fread(text, 1, room - 1, in);
        fclose(in);
    }
    while (n > 0 && (unsigned char)text[n - 1] <= ' ')
        n--;
    text[n] = '\0';
    for (char *c = text; *c; c++)
        if (*c == '\n')
            *c = ' ';
}

bool subject_start(struct subject *s, char *const *argv, const char *log, int cpu,
                   struct complaint *why)
{
    int ends[2];
    char line[256], said[256];
    *s = (struct subject){.pid = -1};
    if (access(argv[0], X_OK) != 0)
        return complain(why,
                        "%s: %s: build it first (cmake --build --preset release), or say where "
                        "the servers are with --servers DIR",
                        argv[0], strerror(errno));
    if (pipe2(ends, O_CLOEXEC) != 0)
        return complain(why, "cannot make a pipe: %s", strerror(errno));
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == 0)
        become_server(argv, log, cpu, ends[1], parent);
    close(ends[1]);
    bool ready =
        s->pid > 0 && read_line(ends[0], line, sizeof line) && parse_ready(line, s->address);
    close(ends[0]);
    if (ready)
        return true;
    subject_stop(s);
    read_log(log, said, sizeof said);
    if (interrupted())
        return complain(why, "interrupted");
    return complain(why, "%s did not get ready; it said: %s", argv[0], said[0] ? said : "nothing");
}

static bool wait_for_end(pid_t pid, int64_t deadline)
{
    for (;;) {
        pid_t got = waitpid(pid, NULL, WNOHANG);
        if (got == pid || (got < 0 && errno == ECHILD))
            return true;
        if (now_ns() >= deadline)
            return false;
        struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
        nanosleep(&pause, NULL);
    }
}

void subject_stop(struct subject *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGTERM);
    if (!wait_for_end(s->pid, now_ns() + DRAIN_NS)) {
        kill(-s->pid, SIGKILL); /* the whole group: nothing of it may go on running */
        waitpid(s->pid, NULL, 0);
    }
    s->pid = -1;
}
