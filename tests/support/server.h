/*
 * One running server, seen from outside: its command line, its port, its log and its processes.
 *
 * Whatever goes wrong here fails the running test, with the subject's name and the server's stderr
 * in the message.  Never use it from a thread.
 */
#ifndef TANDEM_TESTS_SERVER_H
#define TANDEM_TESTS_SERVER_H

#include "bytes.h"
#include "subjects.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_PROCESSES 512

struct server {
    const struct subject *subject;
    pid_t pid; /* the supervisor */
    uint16_t port;
    uint16_t admin;       /* of --admin; 0: none was asked for */
    pid_t relay;          /* through which `port` leads to its TLS; 0: it is plain */
    char errors[192];     /* path of the captured stderr */
    char access_log[192]; /* path given to --access-log, unless the options say otherwise */
};

/* A list of options: OPTIONS("--workers", "2"). */
#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_OPTIONS ((const char *const[]){NULL})

/*
 * Starts the subject on a free port of 127.0.0.1 with the workshop's root, four workers, its access
 * log in a file and its log at `warn`; what `options` mention replaces these.  Returns when it is
 * ready for requests.
 *
 * With TANDEM_RELAY in the environment, `port` is one where a relay listens (tests/tls/relay.c), which
 * passes on by TLS what it is told plainly.
 */
void server_start(struct server *server, int subject, const char *const *options);

/* Sends TERM, waits for the end and returns the exit code (128 + signal when a signal ended it). */
int server_stop(struct server *server);

/*
 * The end of every test that did nothing to upset a server: it must exit 0 and have written nothing
 * to stderr but the warnings that --enable-demo and --enable-faults announce themselves with.
 */
void server_stop_clean(struct server *server);

/* The end of a test that expects log lines: exit 0, and no sanitizer report among the lines. */
void server_stop_noisy(struct server *server);

/* The captured stderr up to now; bytes_free it. */
struct bytes server_log(const struct server *server);

/* Waits until stderr holds a line with both words (either may be NULL); false when it does not
 * come. */
bool server_logged(const struct server *server, const char *word, const char *other, int ms);

/* The lines of stderr that a clean run must not have; bytes_free it. */
struct bytes server_complaints(const struct server *server);

/*
 * A figure of /metrics, by the start of its line: "tandem_connections ".  Needs --admin; the
 * connection it asks by is open meanwhile.  -1 when there is no such line.
 */
double server_metric(const struct server *server, const char *line);

/* Processes of the server below the supervisor: the logger, workers, spares, nurseries. */
size_t server_processes(const struct server *server, pid_t *found);

/*
 * The processes that run handlers for connections: in server-proc the children called "worker", in
 * server-thread the one process that holds the threads.
 */
size_t server_workers(const struct server *server, pid_t *found);

/*
 * The same once there are `wanted` of them: a server is ready when it answers, and may still be
 * making the last of its workers.  Fails the test when they do not appear.
 */
size_t server_await_workers(const struct server *server, pid_t *found, size_t wanted);

/* Memory of all processes of the server, the supervisor included, in bytes: see share_of_memory. */
size_t server_memory(const struct server *server);

/* "FOLDER/NAME" of a module of tests/modules, where NAME may have an argument; the next call but
 * three overwrites it. */
const char *module_object(const char *name);

/* True when nobody listens on the port any more. */
bool port_is_free(uint16_t port);

/* The path of the subject's program; fails the test when the environment does not name it. */
const char *subject_program(const struct subject *subject);

#endif
