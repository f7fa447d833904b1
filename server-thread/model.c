/*
 * model.c — the supervisor of server-thread, and the one process it starts again whenever a request
 * has ended it; in that process, the first thread, which makes the workers and keeps them.
 *
 * The supervisor parses nothing, calls no handler and shares no descriptor table with the workers:
 * when their process dies, the kernel closes all its connections, and only the listeners live on.
 */
#include "common/model.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/keeper.h"
#include "common/signals.h"
#include "worker.h"

const char model_program[] = "server-thread";
const bool model_isolates = false;
const char model_promises[] =
    "threads share one process: a crash ends every request in it, and a request past "
    "--request-timeout is answered 504 but its thread runs on";

enum { FORK_PAUSE = 100, GOODBYE = 1000 /* ms */, EXIT_TOO_MANY_LOST = 75, LOG_SUSPECTS = 4 };

static struct supervisor {
    struct server *server;
    pid_t process;
    int stops;
    bool has_served; /* some process has been up */
} self;

static struct process {
    struct keeper keeper;
    bool is_worn_out; /* too many threads are lost */
    int64_t fork_again;
} process;

/* A lost thread keeps its slot; as many may be lost as there are workers. */
size_t model_slots(const struct options *o)
{
    return 2 * (size_t)o->workers;
}

/* === in the process === */

/* --- birth --- */

static void fill(struct server *s)
{
    struct scoreboard *board = s->board;
    unsigned alive = 0;
    if (clock_ms() < process.fork_again)
        return;
    for (size_t i = 0; i < s->slots; i++) {
        int state = atomic_load(&board->slots[i].state);
        alive += state != WORKER_NONE && state != WORKER_LOST;
    }
    for (size_t i = 0; i < s->slots && alive < s->options.workers; i++) {
        if (atomic_load(&board->slots[i].state) != WORKER_NONE)
            continue;
        if (!worker_make(s, i)) {
            log_line(LOG_WARN, "no new worker: %s; trying again in %d ms", strerror(errno),
                     FORK_PAUSE);
            process.fork_again = clock_ms() + FORK_PAUSE;
            return;
        }
        alive++;
    }
}

/* --- a request that runs too long --- */

/* Called by the keeper for a request past --request-timeout. The thread cannot be ended: its client
 * is answered, its connection taken away, and another thread does its work. */
static void lose_overdue(struct server *s, struct conn *c, uint64_t word)
{
    size_t index = conn_owner(word) - 1;
    if (index >= s->slots || !conn_seize(c, word, CONN_HELD))
        return;
    struct worker_slot *slot = &s->board->slots[index];
    struct death d = {.is_overdue = true};
    char id[REQUEST_ID_SIZE];
    request_id(s->board, slot, id);
    atomic_store(&slot->state, WORKER_LOST);
    unsigned lost = atomic_fetch_add(&s->board->lost, 1) + 1;
    log_line(
        LOG_ERROR,
        "worker %zu lost to the request timeout, in the handler: %.23s %.199s, request %s; its "
        "thread runs on (%u of at most %u lost)",
        index + 1, slot->method, slot->target, id, lost, s->options.workers);
    c->body_fd = -1; /* the thread may still read it, and closes it should it ever wake */
    keeper_answer(&process.keeper, c, slot, &d);
    if (lost >= s->options.workers)
        process.is_worn_out = true;
}

/* --- the loop --- */

/* Threads that are lost do not come back: let the others finish what they are at, for a moment. */
static void hurry(void)
{
    int64_t until = clock_ms() + GOODBYE;
    keeper_drain(&process.keeper);
    if (process.keeper.drain_until > until)
        process.keeper.drain_until = until;
}

static void keep(struct server *s)
{
    for (;;) {
        signals_wait(s->signals, keeper_pause(&process.keeper));
        int stop = atomic_load(&s->board->stop);
        atomic_fetch_sub(&s->board->lost, worker_join_finished(s));
        fill(s);
        keeper_tick(&process.keeper);
        if (process.keeper.guard.is_helpless) /* the next process inherits the listeners again */
            process.is_worn_out = true;
        if (stop > 0)
            keeper_drain(&process.keeper);
        else if (process.is_worn_out)
            hurry();
        if (stop > 1 || keeper_is_drained(&process.keeper))
            return;
    }
}

static void become_process(pid_t supervisor)
{
    prctl(PR_SET_NAME, "serving");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(EXIT_FAILURE);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static int process_main(struct server *s)
{
    s->overdue = lose_overdue;
    if (!server_open_service(s))
        return EXIT_FAILURE;
    if (!keeper_open(&process.keeper, s))
        return EXIT_FAILURE;
    keeper_learn_modules(&process.keeper);
    atomic_store(&s->board->is_up, 1); /* before the first request can end it all */
    fill(s);
    server_announce(s);
    keep(s);
    if (process.is_worn_out && atomic_load(&s->board->stop) == 0)
        _exit(EXIT_TOO_MANY_LOST);
    server_retire_workers(s);
    if (atomic_load(&s->board->stop) > 1 || !worker_join_all(s, clock_ms() + GOODBYE))
        _exit(EXIT_SUCCESS); /* a handler still runs somewhere: no memory can be given back */
    keeper_close(&process.keeper);
    server_close_service(s);
    return EXIT_SUCCESS;
}

/* === in the supervisor === */

static bool start_process(void)
{
    pid_t supervisor = getpid();
    self.process = fork();
    if (self.process == 0) {
        become_process(supervisor);
        exit(process_main(self.server));
    }
    if (self.process < 0)
        log_line(LOG_WARN, "no new process: %s; trying again in %d ms", strerror(errno),
                 FORK_PAUSE);
    return self.process > 0;
}

/* Which request did it cannot be known from outside: those that were running are the suspects. */
static void log_end(const struct death *d)
{
    struct scoreboard *board = self.server->board;
    char cause[DEATH_CAUSE_SIZE], id[REQUEST_ID_SIZE];
    int named = 0;
    if (WIFEXITED(d->status) && WEXITSTATUS(d->status) == EXIT_TOO_MANY_LOST) {
        log_line(LOG_ERROR, "process %d has lost too many threads: starting the next",
                 self.process);
        return;
    }
    death_cause(d, cause);
    log_line(LOG_ERROR, "process %d ended by %s: its %d connections are gone; starting the next",
             self.process, cause, atomic_load(&board->connections));
    for (size_t i = 0; i < self.server->slots && named < LOG_SUSPECTS; i++) {
        const struct worker_slot *slot = &board->slots[i];
        if (atomic_load(&slot->started) == 0)
            continue;
        named++;
        request_id(board, slot, id);
        log_line(LOG_ERROR, "process %d ended by %s, in the handler: %.23s %.199s, request %s",
                 self.process, cause, slot->method, slot->target, id);
    }
}

/* Returns true when the next process is to be started. */
static bool after_end(const struct death *d, int *code)
{
    struct scoreboard *board = self.server->board;
    bool was_up = atomic_load(&board->is_up);
    if (self.stops > 0) {
        *code = WIFEXITED(d->status) ? WEXITSTATUS(d->status) : EXIT_FAILURE;
        return false;
    }
    self.has_served = self.has_served || was_up;
    if (!self.has_served) {
        *code = EXIT_FAILURE; /* it has said why */
        return false;
    }
    log_end(d);
    if (!was_up)
        usleep(FORK_PAUSE * 1000);
    scoreboard_clear(board, self.server->slots);
    conn_table_clear(&self.server->table);
    return true;
}

static void pass_on_stop(void)
{
    self.stops++;
    atomic_store(&self.server->board->stop, self.stops);
    kill(self.process, self.stops > 2 ? SIGKILL : SIGTERM); /* wakes it; what counts is the board */
    listeners_close(&self.server->listeners);
}

/* Watches one process to its end. */
static struct death watch_process(void)
{
    struct death d = {0};
    for (;;) {
        unsigned came = signals_wait(self.server->signals, GOODBYE);
        if (came & SIGNAL_STOP)
            pass_on_stop();
        pid_t pid;
        int status;
        struct rusage usage;
        while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
            if (pid != self.process)
                continue; /* an orphan that came to us as PID 1 means nothing */
            d.status = status;
            d.usage = usage;
            return d;
        }
    }
}

/* The first process tells; whoever waits must see the end when it dies before that. */
static void forget_ready_fd(struct server *s)
{
    if (s->options.ready_fd > STDERR_FILENO)
        close(s->options.ready_fd);
    s->options.ready_fd = -1;
}

int model_run(struct server *s)
{
    int code = EXIT_FAILURE;
    self.server = s;
    for (;;) {
        if (!start_process()) {
            if (signals_wait(s->signals, FORK_PAUSE) & SIGNAL_STOP)
                return EXIT_SUCCESS;
            continue;
        }
        forget_ready_fd(s);
        struct death d = watch_process();
        if (!after_end(&d, &code))
            return code;
    }
}
