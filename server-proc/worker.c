/*
 * worker.c — THE LINE in which the two servers differ: here clone, there pthread_create.
 *
 * CLONE_FILES shares the descriptor table, so that every worker can serve every connection and the
 * supervisor can answer on the connections of the dead. Memory is not shared: what a handler
 * breaks, it breaks in its own copy.
 */
#include "worker.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/model.h"
#include "common/serve.h"
#include "common/signals.h"
#include "spare.h"

/* A handler that calls exit() must not run the supervisor's atexit functions or flush its stdio. */
static void leave_at_once(int status, void *unused)
{
    (void)unused;
    _exit(status);
}

/* Dies with the supervisor, whose child it is although the nursery made it. */
static void become_worker(size_t index, pid_t supervisor)
{
    char name[16];
    snprintf(name, sizeof name, "worker %zu", index + 1);
    prctl(PR_SET_NAME, name);
    signals_die_with(supervisor);
    log_sit(SEAT_WORKERS + index);
    on_exit(leave_at_once, NULL);
}

static _Noreturn void worker_main(struct server *s, size_t index, pid_t supervisor)
{
    struct worker w;
    become_worker(index, supervisor);
    crash_arm(&s->board->slots[index].crash, NULL);
    if (!worker_open(&w, s, (unsigned)index + 1))
        _exit(EXIT_FAILURE);
    if (s->options.isolation == ISOLATION_FRESH)
        w.run = spare_run;
    serve(&w);
    worker_close(&w);
    _exit(EXIT_SUCCESS);
}

void worker_make(struct server *s, size_t index, pid_t supervisor, pid_t *pid)
{
    enum { FLAGS = CLONE_FILES | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD };
    if (syscall(SYS_clone, FLAGS, 0, pid, 0, 0) == 0)
        worker_main(s, index, supervisor);
}

enum { DISOWNED_TIME = 100 * 1000 /* µs */ };

/* The supervisor has answered in our place and is about to kill us, or our slot was damaged and the
 * connection is gone: touch nothing, wait for it, and go in any case. */
bool model_disowned(struct worker *w)
{
    (void)w;
    usleep(DISOWNED_TIME);
    _exit(EXIT_FAILURE);
}
