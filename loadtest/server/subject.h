/*
 * subject.h — a server that loadtest starts itself, and is sure to stop again.
 *
 * Owned by the main thread. The server is told to die with its parent (PR_SET_PDEATHSIG), and has a
 * process group of its own, so that ^C on the terminal reaches loadtest alone, which then stops the
 * server in its own time. It must stay in the foreground: one that makes itself a daemon leaves the
 * group, and cannot be accounted for.
 */
#ifndef LOADTEST_SUBJECT_H
#define LOADTEST_SUBJECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "../complaint.h"
#include "../target/url.h"

enum { SUBJECT_ADDRESS_MAX = 128, SUBJECT_READY_FD = 3 };

/* How a server is started. All of it must live as long as the subject. */
struct subject_plan {
    char *const *argv; /* argv[0] is looked up in PATH when it holds no slash */
    const char *log;   /* file that its stdout and stderr are added to */
    int cpu;           /* it runs on this CPU alone; -1: on any */
    /* It is ready when a connection to here succeeds; NULL: when it has written "ready ADDR:PORT"
     * and perhaps " admin ADDR:PORT" to descriptor SUBJECT_READY_FD, as our servers do. */
    const struct address *address;
};

struct subject {
    struct subject_plan plan;
    pid_t pid;                         /* -1: not running */
    char address[SUBJECT_ADDRESS_MAX]; /* "127.0.0.1:34567", as the server said it; or "" */
    char admin[SUBJECT_ADDRESS_MAX];   /* its --admin address; or "" */
};

/* Starts it and waits until it is ready, ten seconds at most. On failure `why` holds what the
 * server had to say, and nothing is left running. */
bool subject_start(struct subject *s, const struct subject_plan *plan, struct complaint *why);
/* Starts it again in the same way, after subject_stop(). */
bool subject_start_again(struct subject *s, struct complaint *why);
/* TERM, then KILL when it has not ended in five seconds; what is left of its group is killed, too.
 * Does nothing when it is not running. */
void subject_stop(struct subject *s);
/* Whether the process that was started is still there. */
bool subject_runs(const struct subject *s);
/* The last lines of its log, as one. Returns `text`. */
const char *subject_last_words(const struct subject *s, char *text, size_t room);

#endif
