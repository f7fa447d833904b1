/*
 * model.c — the supervisor of server-proc: one thread that has workers made, reaps them, answers for
 * the dead, and replaces them at once.
 *
 * It never parses a byte of a client, calls no handler and loads no module, so no request can take
 * it along. It shares the workers' descriptors, which is why it can answer on their connections.
 */
#include "common/model.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "allowance.h"
#include "common/attendants.h"
#include "common/keeper.h"
#include "common/recycle.h"
#include "common/signals.h"
#include "gatehouse.h"
#include "nursery.h"
#include "spare.h"

const char model_program[] = "server-proc";
const bool model_isolates = true;
const char model_promises[] = "";

enum { FORK_PAUSE = 100, GOODBYE = 1000, OVERDUE_GRACE = 1000 /* ms */ };

/* Nothing here can be changed by a worker, whatever it writes to the memory we share. */
static struct supervisor {
    struct server *server;
    struct keeper keeper;
    struct recycling recycling;
    struct allowance allowance; /* of births */
    struct child {
        pid_t pid;        /* 0: none */
        enum budget over; /* killed by us, for this */
        int64_t born;     /* monotonic ms */
    } workers[LIMIT_WORKERS];
    bool has_nursery;
    bool wants_reload; /* HUP has come, and the workers are still the old ones */
    struct drain drain;
} self;

size_t model_slots(const struct options *o)
{
    return o->workers;
}

int64_t model_cpu(size_t index)
{
    clockid_t clock;
    pid_t pid = self.workers[index].pid;
    if (self.server->options.isolation == ISOLATION_FRESH)
        return -1; /* its handlers run elsewhere, against a clock of their own */
    return pid > 0 && clock_getcpuclockid(pid, &clock) == 0 ? clock_cpu(clock) : -1;
}

void model_tell(size_t index)
{
    if (spare_signal(self.server, (unsigned)index + 1, SIGURG))
        return;
    if (self.workers[index].pid > 0)
        kill(self.workers[index].pid, SIGURG);
}

void model_wake(size_t index)
{
    if (self.workers[index].pid > 0)
        kill(self.workers[index].pid, SIGNAL_OURS);
}

/* --- birth --- */

/* False: not now. */
static bool make_worker(size_t index)
{
    struct scoreboard *board = self.server->board;
    struct child *w = &self.workers[index];
    scoreboard_birth(board, index, 0);
    int64_t before = nursery_cpu(), began = clock_us();
    pid_t pid = nursery_make(ORDER_WORKER, index);
    if (pid > 0)
        histogram_add(&self.server->tallies[0].births, clock_us() - began);
    allowance_spend(&self.allowance, nursery_cpu() - before);
    if (pid > 0) {
        *w = (struct child){.pid = pid, .born = clock_ms()};
        recycle_born(&self.recycling, index);
        spare_born(self.server, (unsigned)index + 1);
        atomic_store(&board->slots[index].pid, pid);
        return true;
    }
    atomic_store(&board->slots[index].state, WORKER_NONE);
    if (errno != ECHILD) /* that will be reaped, and told then */
        log_line(LOG_WARN, "no new worker: %s; trying again", strerror(errno));
    allowance_fail(&self.allowance, clock_ms());
    return false;
}

static void fill(void)
{
    for (size_t i = 0; self.has_nursery && i < self.server->options.workers; i++) {
        if (self.workers[i].pid > 0)
            continue;
        if (!allowance_has(&self.allowance, clock_us()) || !make_worker(i))
            return;
    }
}

/* --- death --- */

/* A worker that has served its share, or was told to go, owns nothing and says 0. */
static bool has_retired(const struct worker_slot *slot, int status)
{
    return status == 0 && atomic_load(&slot->conn) == -1 &&
           atomic_load(&slot->state) == WORKER_WAITING;
}

/* One that dies as soon as it lives, of nothing a client has sent or somebody has done to it, will not
 * be the last to. */
static bool was_stillborn(const struct child *w, const struct worker_slot *slot, int status)
{
    enum { YOUNG = 100 /* ms */ };
    bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return !was_killed && clock_ms() - w->born < YOUNG && atomic_load(&slot->started) == 0 &&
           atomic_load(&slot->requests) == 0;
}

/* Those it has not told of itself. */
static void count_faults(const struct worker_slot *slot, const struct rusage *usage)
{
    uint64_t told = atomic_load(&slot->faults), all = (uint64_t)usage->ru_minflt;
    if (told < all)
        count_alone(&self.server->tallies[0].faults, all - told);
}

static void bury(size_t index, struct death *d)
{
    struct worker_slot *slot = &self.server->board->slots[index];
    struct child *w = &self.workers[index];
    spare_release(self.server, (unsigned)index + 1);
    count_faults(slot, &d->usage);
    d->crash = &slot->crash;
    d->over = w->over;
    w->pid = 0;
    if (has_retired(slot, d->status)) {
        atomic_fetch_add(&self.server->board->recycled, 1);
        atomic_store(&slot->state, WORKER_NONE);
        return;
    }
    if (was_stillborn(w, slot, d->status))
        allowance_fail(&self.allowance, clock_ms());
    keeper_bury(&self.keeper, index, d);
}

static void reap(void)
{
    struct death d = {0};
    pid_t pid;
    while ((pid = wait4(-1, &d.status, WNOHANG, &d.usage)) > 0) {
        if (nursery_reaped(pid)) {
            self.has_nursery = false;
            continue;
        }
        if (gatehouse_reaped(pid, d.status) || attendants_reaped(self.server, pid, d.status))
            continue;
        spare_reaped(self.server, pid);
        for (size_t i = 0; i < self.server->options.workers; i++) {
            if (self.workers[i].pid != pid)
                continue;
            bury(i, &d);
            break;
        }
    }
}

/* Called by the keeper for a request that has used up a budget: first the answer is ours, then the
 * worker dies. Half an answer that is out already becomes a reset. In fresh only the child that runs
 * the handler dies, and its worker answers. */
static void kill_overdue(struct server *s, struct conn *c, uint64_t word, enum budget over)
{
    size_t index = conn_owner(word) - 1;
    if (index >= s->options.workers)
        return;
    bool is_patient = clock_ms() < atomic_load(&c->deadline) + OVERDUE_GRACE;
    if (is_patient && spare_kill(s, (unsigned)index + 1, c, word))
        return;
    struct child *w = &self.workers[index];
    if (!keeper_seize(c, word))
        return;
    struct death d = {.over = over};
    w->over = over;
    if (w->pid > 0)
        kill(w->pid, SIGKILL);
    keeper_end_seized(&self.keeper, c, word, &s->board->slots[index], &d);
}

/* --- the nursery --- */

static void ask_all_to_leave(void)
{
    for (size_t i = 0; i < self.server->options.workers; i++) {
        atomic_store(&self.server->board->slots[i].must_leave, true);
        model_wake(i);
        if (self.workers[i].pid > 0)
            kill(self.workers[i].pid, SIGURG); /* its handler is to come to an end */
    }
}

static bool have_left(void)
{
    for (size_t i = 0; i < self.server->options.workers; i++)
        if (self.workers[i].pid > 0)
            return false;
    return true;
}

static void kill_all(void)
{
    for (size_t i = 0; i < self.server->options.workers; i++)
        if (self.workers[i].pid > 0)
            kill(self.workers[i].pid, SIGKILL);
}

/* It has died, though it runs nothing of anybody's: somebody has killed it, or we have. The next opens
 * the modules again, so that workers of the old one would see another state than those of the new
 * one: they are replaced, too. Clients wait meanwhile, and those who must be cut short get their
 * 500. A first TERM is heard afterwards, since their connections are to be drained. */
static enum start replace_nursery(void)
{
    enum start result;
    unsigned came = 0;
    int64_t until = clock_ms() + GOODBYE;
    int64_t patience = self.drain.stops > 0 ? 0 : self.server->options.drain_timeout;
    log_line(LOG_ERROR, "the nursery has died: starting another, and new workers");
    ask_all_to_leave();
    while (!have_left()) {
        came |= signals_wait(self.server->signals, 1);
        reap();
        keeper_tick(&self.keeper);
        if (clock_ms() > until)
            kill_all();
    }
    spare_close(self.server);
    keeper_forget_modules(&self.keeper);
    gatehouse_renew(self.server, &self.keeper.guard);
    signals_put_off(came);
    while ((result = nursery_start(self.server, patience)) == START_KILLED) {
        keeper_forget_modules(&self.keeper);
        came = signals_wait(self.server->signals, 0);
        came |= signals_wait(self.server->signals, FORK_PAUSE);
        if (came & SIGNAL_STOP)
            return START_STOPPED;
        signals_put_off(came);
    }
    keeper_learn_modules(&self.keeper);
    self.has_nursery = result == START_READY;
    reap(); /* the news of an end may have been passed over while the modules were opened */
    return result;
}

/* --- the loop --- */

static bool is_over(unsigned came)
{
    enum drain_order order =
        drain_take(&self.drain, came, clock_ms(), self.server->options.drain_delay);
    keeper_drain(&self.keeper, order);
    if (order >= DRAIN_LEAVE)
        gatehouse_drain();
    return order == DRAIN_NOW ||
           (keeper_is_drained(&self.keeper) && gatehouse_is_drained(self.keeper.drain_until));
}

static void reload(void)
{
    gatehouse_reload();
    self.wants_reload = true;
}

/* Workers are made anew, since they have what their nursery had when they were born; and so do spares. */
static void renew_workers(void)
{
    if (!self.wants_reload || !spare_can_renew(self.server))
        return;
    self.wants_reload = false;
    media_file_read(self.server->media, self.server->options.media_types);
    if (!nursery_reload())
        return;
    spare_renew(self.server);
    recycle_all(&self.recycling);
}

/* ms */
static int pause_of_round(void)
{
    int pause = recycle_pause(&self.recycling, keeper_pause(&self.keeper));
    return drain_pause(&self.drain, clock_ms(), pause);
}

/* False: it cannot go on. */
static bool supervise(struct server *s)
{
    for (;;) {
        unsigned came = attendants_tend(s, signals_wait(s->signals, pause_of_round()));
        reap(); /* in any case: others wait for signals, too, and may have taken the news */
        enum start nursery = self.has_nursery ? START_READY : replace_nursery();
        if (nursery != START_READY)
            return nursery == START_STOPPED;
        spare_tend(s);
        gatehouse_tend(s, &self.keeper.guard);
        if (came & SIGNAL_RELOAD)
            reload();
        renew_workers();
        fill();
        recycle_tick(&self.recycling);
        keeper_tick(&self.keeper);
        if (self.keeper.guard.has_lost_file || gatehouse_is_cut_off(&self.keeper.guard))
            nursery_kill();
        if (is_over(came))
            return true;
    }
}

/* What ends now has nothing left to answer for. */
static bool have_ended(void)
{
    for (size_t i = 0; i < self.server->options.workers; i++) {
        struct child *w = &self.workers[i];
        if (w->pid > 0 && waitpid(w->pid, NULL, WNOHANG) != 0)
            w->pid = 0;
    }
    return have_left();
}

static void say_goodbye(struct server *s)
{
    int64_t patience = self.drain.order == DRAIN_NOW ? 0 : GOODBYE;
    int64_t until = clock_ms() + patience;
    server_retire_workers(s);
    while (!have_ended() && clock_ms() < until)
        usleep(1000);
    kill_all();
    while (!have_ended())
        usleep(1000);
    spare_close(s);
    nursery_close(patience);
}

static enum start open_all(struct server *s)
{
    if ((s->options.tls_listen.count > 0 && !model_open_tls(s)) || !server_open_epoll(s) ||
        !nursery_open() || !spare_open(s) || !recycle_open(&self.recycling, s) ||
        !keeper_open(&self.keeper, s))
        return START_FAILED;
    gatehouse_guard(&self.keeper.guard);
    enum start result = nursery_start(s, 0);
    if (result == START_READY)
        keeper_learn_modules(&self.keeper);
    else
        keeper_close(&self.keeper);
    return result;
}

int model_run(struct server *s)
{
    self.server = s;
    s->overdue = kill_overdue;
    enum start start = open_all(s);
    bool is_well = start == START_STOPPED;
    if (start == START_READY) {
        self.has_nursery = true;
        reap(); /* as in replace_nursery() */
        allowance_open(&self.allowance, clock_us());
        spare_tend(s);
        fill();
        server_announce(s);
        is_well = supervise(s);
        say_goodbye(s);
        keeper_close(&self.keeper);
    }
    recycle_close(&self.recycling);
    model_close_tls(s);
    server_close_epoll(s);
    return is_well ? 0 : 1;
}
