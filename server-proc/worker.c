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
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/model.h"
#include "common/serve.h"
#include "spare.h"

/* A handler that calls exit() must not run the supervisor's atexit functions or flush its stdio. */
static void leave_at_once(int status, void *unused)
{
    (void)unused;
    _exit(status);
}

/* Dies with the supervisor; leaves no core file (30 ms instead of 0.1 ms for a crash). */
static void become_worker(size_t index, pid_t supervisor)
{
    char name[16];
    snprintf(name, sizeof name, "worker %zu", index + 1);
    prctl(PR_SET_NAME, name);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(EXIT_FAILURE);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    on_exit(leave_at_once, NULL);
}

static _Noreturn void worker_main(struct server *s, size_t index, pid_t supervisor)
{
    struct worker w;
    become_worker(index, supervisor);
    if (!worker_open(&w, s, (unsigned)index + 1))
        _exit(EXIT_FAILURE);
    if (s->options.isolation == ISOLATION_FRESH)
        w.run = spare_run;
    serve(&w);
    worker_close(&w);
    _exit(EXIT_SUCCESS);
}

bool worker_make(struct server *s, size_t index)
{
    pid_t supervisor = getpid();
    scoreboard_birth(s->board, index, 0);
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        worker_main(s, index, supervisor);
    if (pid > 0)
        atomic_store(&s->board->slots[index].pid, pid);
    else
        atomic_store(&s->board->slots[index].state, WORKER_NONE);
    return pid > 0;
}

enum { DISOWNED_TIME = 5 /* s */ };

/* The supervisor has answered in our place and is about to kill us: touch nothing until then. */
bool model_disowned(struct worker *w)
{
    (void)w;
    sleep(DISOWNED_TIME);
    _exit(EXIT_FAILURE); /* cannot be: but nobody must wait for ever */
}
