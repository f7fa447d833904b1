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
#include <sys/wait.h>
#include <unistd.h>

#include "common/attendants.h"
#include "common/footprint.h"
#include "common/grace.h"
#include "common/handlers/handlers.h"
#include "common/keeper.h"
#include "common/recycle.h"
#include "common/signals.h"
#include "keys.h"
#include "worker.h"

const char model_program[] = "server-thread";
const bool model_isolates = false;
const char model_promises[] =
    "threads share one process: a crash ends every request in it; a request past --request-timeout "
    "or --worker-cpu is answered, but its thread runs on; --worker-memory bounds all workers "
    "together";

enum {
    FORK_PAUSE = 100,
    GOODBYE = 1000,
    ANSWER_PAUSE = 20 /* ms */,
    EXIT_WORN_OUT = 75,
    LOG_SUSPECTS = 4,
    OLD_TYPES = 16
};

static struct supervisor {
    struct server *server;
    pid_t process;
    struct drain drain;
    int64_t patient_until; /* monotonic ms: a process that still runs then is killed; 0: none is */
    bool has_served;       /* some process has been up */
} self;

static struct process {
    struct keeper keeper;
    struct recycling recycling;
    struct media_types *old_types[OLD_TYPES]; /* that a request may still use … */
    size_t old_count;
    struct grace grace;  /* … until this period is over */
    uint64_t data_limit; /* bytes of own memory beyond which it is replaced; 0: none */
    bool is_worn_out;    /* too many threads are lost, or it has grown too much */
    int64_t fork_again;
} process;

/* A lost thread keeps its slot; as many may be lost as there are workers. */
size_t model_slots(const struct options *o)
{
    return 2 * (size_t)o->workers;
}

static bool has_tls(const struct server *s)
{
    return s->options.tls_listen.count > 0;
}

/* === in the process === */

/* --- birth --- */

static bool make_worker(struct server *s, size_t index)
{
    int64_t before = clock_us();
    bool is_made = worker_make(s, index);
    if (is_made)
        histogram_add(&s->tallies[0].births, clock_us() - before);
    return is_made;
}

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
        if (!make_worker(s, i)) {
            log_line(LOG_WARN, "no new worker: %s; trying again in %d ms", strerror(errno),
                     FORK_PAUSE);
            process.fork_again = clock_ms() + FORK_PAUSE;
            return;
        }
        recycle_born(&process.recycling, i);
        alive++;
    }
}

/* --- a request that has used up a budget --- */

static void log_lost(const struct server *s, size_t index, const struct death *d, unsigned lost)
{
    const struct worker_slot *slot = &s->board->slots[index];
    char id[REQUEST_ID_SIZE], cause[DEATH_CAUSE_SIZE];
    request_id(s->board, slot, id);
    log_line(
        LOG_ERROR,
        "worker %zu lost to %s, in the handler: %.23s %.199s, request %s; its thread runs on (%u "
        "of at most %u lost)",
        index + 1, death_cause(d, cause), slot->method, slot->target, id, lost, s->options.workers);
}

/* Called by the keeper. The thread cannot be ended: its client is answered, its connection taken
 * away, and another thread does its work. */
static void lose_overdue(struct server *s, struct conn *c, uint64_t word, enum budget over)
{
    size_t index = conn_owner(word) - 1;
    if (index >= s->slots || !keeper_seize(c, word))
        return;
    struct worker_slot *slot = &s->board->slots[index];
    struct death d = {.over = over};
    atomic_store(&slot->state, WORKER_LOST);
    unsigned lost = atomic_fetch_add(&s->board->lost, 1) + 1;
    log_lost(s, index, &d, lost);
    death_enter(s->board, slot, &d, "in the handler; its thread runs on", true);
    c->body_fd = -1; /* the thread may still read it, and closes it should it ever wake */
    keeper_end_seized(&process.keeper, c, word, slot, &d);
    if (lost >= s->options.workers)
        process.is_worn_out = true;
}

/* --- media types --- */

static void close_old_types(void)
{
    while (process.old_count > 0)
        media_types_close(process.old_types[--process.old_count]);
}

/* A thread that is lost may use one for ever: then the old ones are kept, and when there is no room for
 * more, those that are in use stay until the next process. */
static void tend_types(const struct server *s)
{
    struct media_types *old = process.old_count < OLD_TYPES ? files_renew_types() : NULL;
    if (old) {
        process.old_types[process.old_count++] = old;
        grace_begin(&process.grace, s);
    }
    if (process.old_count == 0 || !grace_is_over(&process.grace, s))
        return;
    close_old_types();
}

/* --- the loop --- */

/* Threads that are lost do not come back: let the others finish what they are at, for a moment. The next
 * process serves on the same listeners. */
static void hurry(void)
{
    int64_t until = clock_ms() + GOODBYE;
    keeper_drain(&process.keeper, DRAIN_REPLACED);
    if (process.keeper.drain_until > until)
        process.keeper.drain_until = until;
}

/* Whose memory it is that has grown cannot be told apart: all of it is replaced. */
static void look_at_memory(const struct server *s)
{
    if (process.data_limit == 0 || process.is_worn_out || footprint_data() < process.data_limit)
        return;
    process.is_worn_out = true;
    log_line(LOG_WARN,
             "process %d has grown by more than half of %u times --worker-memory: starting "
             "the next",
             getpid(), s->options.workers);
}

static void look_at_files(void)
{
    if (process.is_worn_out || !process.keeper.guard.has_lost_file)
        return;
    process.is_worn_out = true;
    log_line(LOG_WARN, "process %d has lost a file of a module: starting the next", getpid());
}

static void keep(struct server *s)
{
    for (;;) {
        int pause = recycle_pause(&process.recycling, keeper_pause(&process.keeper));
        unsigned came = signals_wait(s->signals, pause);
        enum drain_order order = (enum drain_order)atomic_load(&s->board->stop);
        atomic_fetch_sub(&s->board->lost, worker_join_finished(s));
        fill(s);
        tend_types(s);
        if (came & SIGNAL_RELOAD)
            recycle_all(&process.recycling);
        recycle_tick(&process.recycling);
        keeper_tick(&process.keeper);
        if (has_tls(s))
            keys_tick(&s->options); /* HUP wakes; what counts is the offer */
        look_at_memory(s);
        look_at_files();
        keeper_drain(&process.keeper, order);
        if (process.is_worn_out && order < DRAIN_LEAVE)
            hurry();
        if (order == DRAIN_NOW || keeper_is_drained(&process.keeper))
            return;
    }
}

static bool open_all(struct server *s)
{
    return (!has_tls(s) || model_open_tls(s)) && server_open_epoll(s) &&
           keeper_open(&process.keeper, s) && recycle_open(&process.recycling, s) &&
           grace_open(&process.grace, s) && server_open_modules(s) && worker_watch_exit() &&
           server_enter_sandbox(s);
}

static int process_main(struct server *s, pid_t supervisor)
{
    prctl(PR_SET_NAME, "serving");
    log_sit(SEAT_OPENER);
    signals_die_with(supervisor);
    s->overdue = lose_overdue;
    if (!open_all(s))
        return EXIT_FAILURE;
    signals_die_with(supervisor); /* perhaps as another user now */
    keeper_learn_modules(&process.keeper);
    process.data_limit = server_bound_memory(s, s->options.workers);
    atomic_store(&s->board->is_up, 1); /* before the first request can end it all */
    fill(s);
    server_announce(s);
    keep(s);
    if (process.is_worn_out && atomic_load(&s->board->stop) < DRAIN_LEAVE)
        _exit(EXIT_WORN_OUT);
    server_retire_workers(s);
    if (atomic_load(&s->board->stop) == DRAIN_NOW || !worker_join_all(s, clock_ms() + GOODBYE))
        _exit(EXIT_SUCCESS); /* a handler still runs somewhere: no memory can be given back */
    close_old_types();
    grace_close(&process.grace);
    recycle_close(&process.recycling);
    keeper_close(&process.keeper);
    server_close_modules(s);
    server_close_epoll(s);
    if (has_tls(s))
        model_close_tls(s);
    return EXIT_SUCCESS;
}

/* === in the supervisor === */

/* The process is told, and makes its workers anew; what counts is what is offered to it. */
static void reload(void)
{
    const struct options *o = &self.server->options;
    media_file_read(self.server->media, o->media_types);
    if (has_tls(self.server))
        keys_read_again(o);
    if (self.process > 0)
        kill(self.process, SIGHUP);
}

/* Returns how long to wait until it is to be asked again, in ms. */
static int look_after_reload(void)
{
    bool is_open = has_tls(self.server) && keys_await_answer(&self.server->options);
    return is_open ? ANSWER_PAUSE : GOODBYE;
}

static bool start_process(void)
{
    pid_t supervisor = getpid();
    look_after_reload(); /* the last one may have answered just before its end */
    atomic_store(&self.server->board->stop, self.drain.order);
    self.process = fork();
    if (self.process == 0)
        exit(process_main(self.server, supervisor));
    if (self.process < 0)
        log_line(LOG_WARN, "no new process: %s; trying again in %d ms", strerror(errno),
                 FORK_PAUSE);
    return self.process > 0;
}

/* The thread that crashed, or called exit, has left a record; of a kill there is none, and those that
 * were running are the suspects. */
static bool is_culprit(const struct worker_slot *slot)
{
    return atomic_load(&slot->crash.signal) != 0 || atomic_load(&slot->has_exited);
}

static bool has_culprit(const struct scoreboard *board, size_t slots)
{
    for (size_t i = 0; i < slots; i++)
        if (is_culprit(&board->slots[i]))
            return true;
    return false;
}

/* Returns how many there are. */
static int log_suspects(struct death *d)
{
    struct server *s = self.server;
    struct scoreboard *board = s->board;
    bool is_known = has_culprit(board, s->slots);
    int named = 0;
    for (size_t i = 0; i < s->slots && named < LOG_SUSPECTS; i++) {
        const struct worker_slot *slot = &board->slots[i];
        if (atomic_load(&slot->started) == 0 || is_culprit(slot) != is_known)
            continue;
        named++;
        d->crash = &slot->crash;
        death_log(board, slot,
                  is_known ? "the process of worker" : "perhaps, the process of worker", d,
                  "in the handler", true);
        if (is_known)
            death_count(board, slot, d, &s->options.quarantine);
    }
    return named;
}

/* There will be no next one. */
static bool is_leaving(void)
{
    bool has_listeners = self.drain.order <= DRAIN_ANNOUNCE;
    return !has_listeners || (self.drain.order == DRAIN_ANNOUNCE && !self.has_served);
}

static void log_end(struct death *d)
{
    char cause[DEATH_CAUSE_SIZE];
    const char *and_then = is_leaving() ? "" : "; starting the next";
    bool says_worn_out = WIFEXITED(d->status) && WEXITSTATUS(d->status) == EXIT_WORN_OUT;
    if (says_worn_out && !has_culprit(self.server->board, self.server->slots)) {
        log_line(LOG_ERROR, "process %d is worn out: starting the next", self.process);
        return;
    }
    atomic_fetch_add(&self.server->board->deaths, 1);
    log_line(LOG_ERROR, "process %d ended by %s: its %d connections are gone%s", self.process,
             death_cause(d, cause), atomic_load(&self.server->board->connections), and_then);
    if (!log_suspects(d))
        death_enter(self.server->board, NULL, d, "no request is known to be the cause", false);
}

/* The last one. Should it have crashed, its clients have lost what can be lost, and nothing is left to be
 * drained; the code is that of the end which was asked for. */
static int code_of_last(struct death *d)
{
    struct server *s = self.server;
    bool is_fine = WIFEXITED(d->status) && WEXITSTATUS(d->status) == EXIT_SUCCESS;
    if (is_fine || self.drain.stops > 2 || !self.has_served)
        return EXIT_SUCCESS;
    log_end(d);
    bool is_of_a_request = WIFSIGNALED(d->status) || has_culprit(s->board, s->slots);
    return is_of_a_request ? EXIT_SUCCESS : WEXITSTATUS(d->status);
}

/* Returns true when the next process is to be started. */
static bool after_end(struct death *d, int *code)
{
    struct scoreboard *board = self.server->board;
    bool was_up = atomic_load(&board->is_up);
    self.has_served = self.has_served || was_up;
    if (is_leaving()) {
        *code = code_of_last(d);
        return false;
    }
    if (!self.has_served) {
        *code = EXIT_FAILURE; /* it has said why, if it could */
        server_tell_opening(self.server, d->status);
        return false;
    }
    log_end(d);
    if (!was_up)
        usleep(FORK_PAUSE * 1000);
    scoreboard_clear(board, self.server->slots);
    conn_table_clear(&self.server->table);
    return true;
}

/* Ours are closed first, since who closes last decides what becomes of the backlog, and the process lets in
 * whoever waits there. */
static void close_listeners(struct server *s)
{
    if (self.drain.order == DRAIN_REPLACED) {
        drain_disown(s);
        listeners_close(&s->listeners);
    } else {
        drain_shut_out(s);
        listeners_close_public(&s->listeners);
    }
}

/* TERM wakes it; what counts is the board. One that has not come up yet may be in the hands of a
 * module that does not come back, and has nothing to drain. */
static void pass_on(enum drain_order order)
{
    struct scoreboard *board = self.server->board;
    if (order >= DRAIN_LEAVE)
        close_listeners(self.server);
    atomic_store(&board->stop, order);
    bool is_patient = atomic_load(&board->is_up) && self.drain.stops <= 2;
    kill(self.process, is_patient ? SIGTERM : SIGKILL);
}

static void bound_patience(enum drain_order before)
{
    enum { MARGIN = 3 * GOODBYE };
    if (self.drain.order == DRAIN_NOW)
        self.patient_until = clock_ms() + GOODBYE;
    else if (before == DRAIN_NOT)
        self.patient_until = clock_ms() + self.server->options.drain_timeout + MARGIN;
}

static void obey(unsigned came)
{
    enum drain_order before = self.drain.order;
    drain_take(&self.drain, came, clock_ms(), self.server->options.drain_delay);
    if (self.drain.order != before)
        bound_patience(before);
    if (self.drain.order != before || came & SIGNAL_STOP)
        pass_on(self.drain.order);
}

/* Whatever a request has done to the thread that would end it, or somebody to the process. */
static void end_impatiently(void)
{
    if (self.patient_until == 0 || clock_ms() < self.patient_until)
        return;
    log_line(LOG_ERROR, "process %d does not come to its end: it is killed", self.process);
    kill(self.process, SIGKILL);
    self.patient_until = 0;
}

/* Watches one process to its end. */
static struct death watch_process(void)
{
    struct death d = {0};
    for (;;) {
        int pause = drain_pause(&self.drain, clock_ms(), look_after_reload());
        unsigned came = attendants_tend(self.server, signals_wait(self.server->signals, pause));
        obey(came);
        if (came & SIGNAL_RELOAD)
            reload();
        end_impatiently();
        pid_t pid;
        while ((pid = wait4(-1, &d.status, WNOHANG, &d.usage)) > 0) {
            if (pid == self.process)
                return d;
            attendants_reaped(self.server, pid, d.status);
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

static int supervise(struct server *s)
{
    int code = EXIT_FAILURE;
    for (;;) {
        if (!start_process()) {
            unsigned came = attendants_tend(s, signals_wait(s->signals, FORK_PAUSE));
            if (came & (SIGNAL_STOP | SIGNAL_REPLACED))
                return EXIT_SUCCESS;
            if (came & SIGNAL_RELOAD)
                reload();
            continue;
        }
        forget_ready_fd(s);
        struct death d = watch_process();
        if (!after_end(&d, &code))
            return code;
    }
}

int model_run(struct server *s)
{
    self.server = s;
    if (has_tls(s) && !keys_read(&s->options))
        return EXIT_FAILURE;
    int code = supervise(s);
    if (has_tls(s))
        keys_close();
    return code;
}
