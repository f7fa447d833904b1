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
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../interrupt.h"
#include "../units.h"

#define READY_NS (10 * NS_PER_S)
#define DRAIN_NS (5 * NS_PER_S)
#define LOOK_NS (10 * NS_PER_MS) /* how often it is asked whether it is ready, or gone */

/* The child's side; never returns. `ready`: our end of the pipe it tells by, -1: there is none. */
static void become_server(const struct subject_plan *plan, int ready, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM);
    if (getppid() != parent)
        _exit(126);
    if (plan->cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)plan->cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    int out = open(plan->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (ready == SUBJECT_READY_FD)
        fcntl(ready, F_SETFD, 0);
    else if (ready >= 0)
        dup2(ready, SUBJECT_READY_FD);
    close_range((unsigned)SUBJECT_READY_FD + (ready >= 0), ~0U, 0);
    execvp(plan->argv[0], plan->argv);
    dprintf(STDERR_FILENO, "%s: %s\n", plan->argv[0], strerror(errno));
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

/* "ready 127.0.0.1:1234 … admin 127.0.0.1:5678" → the first address, and the admin address. */
static bool parse_ready(struct subject *s, const char *line)
{
    const char *admin = strstr(line, " admin ");
    if (admin)
        sscanf(admin, " admin %127s", s->admin);
    return sscanf(line, "ready %127s", s->address) == 1;
}

static bool accepts(const struct address *address)
{
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, (const struct sockaddr *)&address->sa, address->length) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static void rest(void)
{
    struct timespec pause = {.tv_nsec = LOOK_NS};
    nanosleep(&pause, NULL);
}

/* It is not waited for here: as long as it is not, its number, and its group's, are its own. */
static bool has_ended(const struct subject *s)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == s->pid;
}

static bool await_connection(const struct subject *s)
{
    int64_t deadline = now_ns() + READY_NS;
    while (now_ns() < deadline && !interrupted() && !has_ended(s)) {
        if (accepts(s->plan.address))
            return true;
        rest();
    }
    return false;
}

const char *subject_last_words(const struct subject *s, char *text, size_t room)
{
    size_t n = 0;
    FILE *in = fopen(s->plan.log, "r");
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
    return text;
}

static bool complain_not_ready(const struct subject *s, struct complaint *why)
{
    char said[256];
    if (interrupted())
        return complain(why, "interrupted");
    subject_last_words(s, said, sizeof said);
    return complain(why, "%s did not get ready%s; it said: %s", s->plan.argv[0],
                    s->plan.address ? ", and must stay in the foreground" : "",
                    said[0] ? said : "nothing");
}

/* Forks and waits for the line that our servers write. */
static bool start_with_pipe(struct subject *s, struct complaint *why)
{
    int ends[2];
    char line[512];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return complain(why, "cannot make a pipe: %s", strerror(errno));
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == 0)
        become_server(&s->plan, ends[1], parent);
    close(ends[1]);
    bool ready = s->pid > 0 && read_line(ends[0], line, sizeof line) && parse_ready(s, line);
    close(ends[0]);
    return ready || complain_not_ready(s, why);
}

/* Forks and tries to connect. Whoever listens there already would be taken for it. */
static bool start_and_connect(struct subject *s, struct complaint *why)
{
    if (accepts(s->plan.address))
        return complain(why, "somebody listens there already, so %s was not started",
                        s->plan.argv[0]);
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == 0)
        become_server(&s->plan, -1, parent);
    return (s->pid > 0 && await_connection(s)) || complain_not_ready(s, why);
}

bool subject_start_again(struct subject *s, struct complaint *why)
{
    bool ready = s->plan.address ? start_and_connect(s, why) : start_with_pipe(s, why);
    if (!ready)
        subject_stop(s);
    return ready;
}

bool subject_start(struct subject *s, const struct subject_plan *plan, struct complaint *why)
{
    *s = (struct subject){.plan = *plan, .pid = -1};
    return subject_start_again(s, why);
}

bool subject_runs(const struct subject *s)
{
    return s->pid > 0 && !has_ended(s);
}

void subject_stop(struct subject *s)
{
    if (s->pid <= 0)
        return;
    int64_t deadline = now_ns() + DRAIN_NS;
    kill(s->pid, SIGTERM);
    kill(-s->pid, SIGCONT); /* TERM waits as long as a process is stopped */
    while (!has_ended(s) && now_ns() < deadline)
        rest();
    kill(-s->pid, SIGKILL); /* the whole group: nothing of it may go on running */
    waitpid(s->pid, NULL, 0);
    s->pid = -1;
}
