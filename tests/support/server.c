/*
 * Starting, watching and stopping one server.  This file knows the options and signals of the
 * contract, and nothing of how the servers are built.
 */
#include "server.h"

#include "patience.h"
#include "proc.h"
#include "program.h"
#include "wire.h"
#include "workshop.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 64, READY_MS = 10000, STOP_MS = 15000 };

const struct subject subjects[SUBJECTS] = {
    [THREAD] = {"thread", "TANDEM_THREAD", NULL},
    [POOL] = {"pool", "TANDEM_PROC", "pool"},
    [FRESH] = {"fresh", "TANDEM_PROC", "fresh"},
};

/* Options a server gets unless the test names them itself. */
struct command_line {
    const char *argv[MAX_ARGUMENTS];
    size_t count;
    char ready_fd[16];
};

int subject_count(void)
{
    const char *preset = getenv("TANDEM_PRESET");

    return preset != NULL && strcmp(preset, "tsan") == 0 ? 1 : SUBJECTS;
}

const char *subject_program(const struct subject *subject)
{
    const char *path = getenv(subject->binary);

    ck_assert_msg(path != NULL, "%s is not set: run the tests by ctest", subject->binary);
    return path;
}

static const char *relay_program(void)
{
    return getenv("TANDEM_RELAY");
}

static bool mentions(const char *const *options, const char *name)
{
    for (; *options != NULL; options++)
        if (strncmp(*options, name, strlen(name)) == 0)
            return true;
    return false;
}

static void add_argument(struct command_line *line, const char *argument)
{
    ck_assert_uint_lt(line->count, MAX_ARGUMENTS - 1);
    line->argv[line->count++] = argument;
    line->argv[line->count] = NULL;
}

static void add_default(struct command_line *line, const char *const *options, const char *name,
                        const char *value)
{
    if (mentions(options, name))
        return;
    add_argument(line, name);
    add_argument(line, value);
}

static void build_command_line(struct command_line *line, const struct server *server,
                               const char *const *options, int ready_fd)
{
    const struct subject *subject = server->subject;

    *line = (struct command_line){.count = 0};
    snprintf(line->ready_fd, sizeof(line->ready_fd), "%d", ready_fd);
    add_argument(line, subject_program(subject));
    add_argument(line, "--ready-fd");
    add_argument(line, line->ready_fd);
    add_argument(line, "--listen");
    add_argument(line, "127.0.0.1:0");
    if (relay_program() != NULL) {
        add_argument(line, "--tls-listen");
        add_argument(line, "127.0.0.1:0");
        add_argument(line, "--tls-self-signed");
    }
    if (subject->isolation != NULL)
        add_default(line, options, "--isolation", subject->isolation);
    add_default(line, options, "--root", workshop_root());
    add_default(line, options, "--access-log", server->access_log);
    add_default(line, options, "--log-level", "warn");
    add_default(line, options, "--workers", "4");
    for (; *options != NULL; options++)
        add_argument(line, *options);
}

/*
 * A fault must end its process as it would in a release build.  Sanitizers turn SIGSEGV into a
 * report and an exit; under faults they are told to leave deadly signals alone.
 */
static void let_signals_kill(const char *variable, char *setting, size_t size)
{
    const char *own = getenv(variable);

    snprintf(setting, size,
             "%s=%s%shandle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0",
             variable, own ? own : "", own ? ":" : "");
}

static pid_t launch(const struct server *server, const char *const *argv, bool faults)
{
    char asan[512], tsan[512];
    const char *environment[] = {asan, tsan, NULL};
    struct program program = {.argv = argv, .errors = server->errors};

    let_signals_kill("ASAN_OPTIONS", asan, sizeof(asan));
    let_signals_kill("TSAN_OPTIONS", tsan, sizeof(tsan));
    if (faults)
        program.environment = environment;
    return program_start(&program);
}

/* Reads until the line is whole; the pipe also ends when the server dies before it is ready. */
static bool read_ready_line(int fd, char *line, size_t size)
{
    size_t length = 0;
    int64_t end = now_ms() + patience(READY_MS);
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    while (length < size - 1 && memchr(line, '\n', length) == NULL) {
        ssize_t got;

        if (now_ms() >= end || poll(&wait, 1, (int)(end - now_ms())) <= 0)
            return false;
        got = read(fd, line + length, size - 1 - length);
        if (got <= 0)
            return false;
        length += (size_t)got;
    }
    line[length] = '\0';
    return true;
}

/* The port behind "WORD 127.0.0.1:"; 0 when the line has no such word. */
static uint16_t port_behind(const char *line, const char *word)
{
    char start[64];
    const char *found;

    snprintf(start, sizeof(start), "%s 127.0.0.1:", word);
    found = strstr(line, start);
    return found != NULL ? (uint16_t)strtoul(found + strlen(start), NULL, 10) : 0;
}

/* Between the test and the second of the server's addresses, which speaks TLS. */
static void start_relay(struct server *server, uint16_t secret)
{
    char port[16], fd[16], line[256] = "";
    const char *argv[] = {relay_program(), port, fd, NULL};
    int ready[2];

    ck_assert_int_eq(pipe(ready), 0);
    snprintf(port, sizeof(port), "%d", secret);
    snprintf(fd, sizeof(fd), "%d", ready[1]);
    server->relay = program_start(&(struct program){.argv = argv});
    close(ready[1]);
    server->port = read_ready_line(ready[0], line, sizeof(line)) ? port_behind(line, "ready") : 0;
    close(ready[0]);
}

static void end_relay(const struct server *server)
{
    if (server->relay == 0)
        return;
    kill(server->relay, SIGKILL);
    program_end(server->relay, patience(STOP_MS));
}

/* "ready ADDRESS", and " admin ADDRESS" behind it where there is one. */
static void await_ready(struct server *server, int fd)
{
    char line[256] = "";

    if (!read_ready_line(fd, line, sizeof(line)) || strncmp(line, "ready ", 6) != 0)
        return;
    server->port = port_behind(line, "ready");
    server->admin = port_behind(line, "admin");
    if (relay_program() != NULL)
        start_relay(server, port_behind(strchr(line, ':') + 1, ""));
}

void server_start(struct server *server, int subject, const char *const *options)
{
    static int started;
    struct command_line line;
    int ready[2];

    *server = (struct server){.subject = &subjects[subject]};
    started++;
    workshop_path(server->errors, sizeof(server->errors), "%s-%d-%d.err", server->subject->name,
                  (int)getpid(), started);
    workshop_path(server->access_log, sizeof(server->access_log), "%s-%d-%d.log",
                  server->subject->name, (int)getpid(), started);
    ck_assert_int_eq(pipe(ready), 0);
    build_command_line(&line, server, options, ready[1]);
    server->pid = launch(server, line.argv, mentions(options, "--enable-faults"));
    ck_assert_int_gt(server->pid, 0);
    close(ready[1]);
    await_ready(server, ready[0]);
    close(ready[0]);
    if (server->port == 0) {
        struct bytes log = server_log(server);

        kill(server->pid, SIGKILL);
        ck_abort_msg("%s did not become ready; stderr: %s", server->subject->name, log.at);
    }
}

/* A server that does not end is killed with all below it: waiting longer would teach nothing. */
static int await_end(struct server *server)
{
    pid_t left[MAX_PROCESSES];
    size_t count = server_processes(server, left);
    int code = program_end(server->pid, patience(STOP_MS));

    end_relay(server);
    if (code == -1) {
        for (size_t i = 0; i < count; i++)
            kill(left[i], SIGKILL);
        ck_abort_msg("%s did not end after TERM", server->subject->name);
    }
    return code;
}

int server_stop(struct server *server)
{
    kill(server->pid, SIGTERM);
    return await_end(server);
}

struct bytes server_log(const struct server *server)
{
    return bytes_of_file(server->errors);
}

struct bytes server_complaints(const struct server *server)
{
    struct bytes log = server_log(server), complaints = {0};
    char *rest = log.at;
    const char *line;

    bytes_add_text(&complaints, "");
    while ((line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0' && strstr(line, "--enable-demo") == NULL &&
            strstr(line, "--enable-faults") == NULL)
            bytes_addf(&complaints, "%s\n", line);
    bytes_free(&log);
    return complaints;
}

void server_stop_clean(struct server *server)
{
    int code = server_stop(server);
    struct bytes complaints = server_complaints(server);

    ck_assert_msg(code == 0, "%s: exit code %d after TERM; stderr: %s", server->subject->name, code,
                  complaints.at);
    ck_assert_msg(complaints.length == 0, "%s: a clean run wrote to stderr: %s",
                  server->subject->name, complaints.at);
    bytes_free(&complaints);
}

void server_stop_noisy(struct server *server)
{
    static const char *const reports[] = {"AddressSanitizer", "ThreadSanitizer",
                                          "runtime error:", "LeakSanitizer"};
    int code = server_stop(server);
    struct bytes log = server_log(server);

    ck_assert_msg(code == 0, "%s: exit code %d after TERM; stderr: %s", server->subject->name, code,
                  log.at);
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
        ck_assert_msg(strstr(log.at, reports[i]) == NULL, "%s: %s", server->subject->name, log.at);
    bytes_free(&log);
}

static bool has_line(const char *log, const char *word, const char *other)
{
    for (const char *line = log; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char copy[2048];

        snprintf(copy, sizeof(copy), "%.*s", (int)length, line);
        if ((word == NULL || strstr(copy, word)) && (other == NULL || strstr(copy, other)))
            return true;
        line += length + (line[length] == '\n');
    }
    return false;
}

bool server_logged(const struct server *server, const char *word, const char *other, int ms)
{
    int64_t end = now_ms() + ms;
    bool found;

    for (;;) {
        struct bytes log = server_log(server);

        found = has_line(log.at, word, other);
        bytes_free(&log);
        if (found || now_ms() >= end)
            return found;
        pause_ms(5);
    }
}

size_t server_processes(const struct server *server, pid_t *found)
{
    return descendants_of(server->pid, found, MAX_PROCESSES);
}

size_t server_workers(const struct server *server, pid_t *found)
{
    size_t count = children_of(server->pid, found, MAX_PROCESSES);

    return keep_named(found, count, server->subject == &subjects[THREAD] ? "serving" : "worker");
}

size_t server_await_workers(const struct server *server, pid_t *found, size_t wanted)
{
    int64_t end = now_ms() + patience(READY_MS);
    size_t count;

    if (server->subject == &subjects[THREAD])
        wanted = 1;
    while ((count = server_workers(server, found)) != wanted && now_ms() < end)
        pause_ms(2);
    ck_assert_msg(count == wanted, "%s: %zu workers instead of %zu", server->subject->name, count,
                  wanted);
    return count;
}

double server_metric(const struct server *server, const char *line)
{
    struct wire wire = wire_open(server->admin);
    struct reply reply = wire_expect_get(&wire, "/metrics", 200, "/metrics");
    double value = -1;

    for (const char *at = reply.body; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, strlen(line)) == 0)
            value = strtod(at + strlen(line), NULL);
    }
    wire_close(&wire);
    return value;
}

size_t server_memory(const struct server *server)
{
    pid_t found[MAX_PROCESSES];
    size_t count = server_processes(server, found), bytes = share_of_memory(server->pid);

    for (size_t i = 0; i < count; i++)
        bytes += share_of_memory(found[i]);
    return bytes;
}

const char *module_object(const char *name)
{
    static char paths[4][PATH_MAX];
    static int used;
    const char *folder = getenv("TANDEM_MODULES");
    char *path = paths[used++ % 4];

    ck_assert_msg(folder != NULL, "TANDEM_MODULES is not set: run the tests by ctest");
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

bool port_is_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    bool is_free;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0;
    close(fd);
    return is_free;
}
