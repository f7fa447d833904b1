/*
 * model.c — the supervisor of server-proc: one thread that makes workers, reaps them, answers for
 * the dead, and replaces them at once.
 *
 * It never parses a byte of a client and never calls a request handler, so no request can take it
 * along. It shares the workers' descriptors, which is why it can answer on their connections.
 */
#include "common/model.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/keeper.h"
#include "common/signals.h"
#include "spare.h"
#include "worker.h"

const char model_program[] = "server-proc";
const bool model_isolates = true;
const char model_promises[] = "";

enum { FORK_PAUSE = 100, GOODBYE = 1000, OVERDUE_GRACE = 1000 /* ms */ };

static struct supervisor {
    struct server *server;
    struct keeper keeper;
    pid_t pids[LIMIT_WORKERS];      /* ours: what stands on the board a wild worker can change */
    bool is_overdue[LIMIT_WORKERS]; /* killed by us, for its request's deadline */
    int64_t fork_again;             /* monotonic ms: not before then */
    int stops;                      /* TERM and INT so far */
} self;

size_t model_slots(const struct options *o)
{
    return o->workers;
}

/* --- birth --- */

static void fill(void)
{
    struct scoreboard *board = self.server->board;
    if (clock_ms() < self.fork_again)
        return;
    for (size_t i = 0; i < self.server->slots; i++) {
        if (atomic_load(&board->slots[i].state) != WORKER_NONE)
            continue;
        self.is_overdue[i] = false;
        if (worker_make(self.server, i)) {
            self.pids[i] = atomic_load(&board->slots[i].pid);
            continue;
        }
        log_line(LOG_WARN, "no new worker: %s; trying again in %d ms", strerror(errno), FORK_PAUSE);
        self.fork_again = clock_ms() + FORK_PAUSE;
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

static void bury(size_t index, const struct death *d)
{
    struct worker_slot *slot = &self.server->board->slots[index];
    spare_release(self.server, (unsigned)index + 1);
    if (has_retired(slot, d->status))
        atomic_store(&slot->state, WORKER_NONE);
    else
        keeper_bury(&self.keeper, index, d);
}

static void reap(void)
{
    struct death d = {0};
    pid_t pid;
    while ((pid = wait4(-1, &d.status, WNOHANG, &d.usage)) > 0) {
        spare_reaped(self.server, pid);
        for (size_t i = 0; i < self.server->slots; i++) {
            if (self.pids[i] != pid)
                continue;
            self.pids[i] = 0;
            d.is_overdue = self.is_overdue[i];
            bury(i, &d);
            break;
        }
    }
}

/* Called by the keeper for a request past --request-timeout: first the answer is ours, then the
 * worker dies. In fresh only the child that runs the handler does, and its worker answers. */
static void kill_overdue(struct server *s, struct conn *c, uint64_t word)
{
    size_t index = conn_owner(word) - 1;
    if (index >= s->slots)
        return;
    struct worker_slot *slot = &s->board->slots[index];
    bool is_patient = clock_ms() < atomic_load(&c->deadline) + OVERDUE_GRACE;
    if (is_patient && spare_kill(s, (unsigned)index + 1, c, word))
        return;
    if (!conn_seize(c, word, CONN_HELD))
        return;
    struct death d = {.is_overdue = true};
    self.is_overdue[index] = true;
    if (self.pids[index] > 0)
        kill(self.pids[index], SIGKILL);
    keeper_answer(&self.keeper, c, slot, &d);
}

/* --- the loop --- */

static bool is_over(unsigned came)
{
    if (came & SIGNAL_STOP)
        self.stops++;
    if (self.stops > 0)
        keeper_drain(&self.keeper);
    return self.stops > 1 || keeper_is_drained(&self.keeper);
}

static void supervise(struct server *s)
{
    for (;;) {
        unsigned came = signals_wait(s->signals, keeper_pause(&self.keeper));
        if (came & SIGNAL_CHILD)
            reap();
        spare_tend(s);
        fill();
        keeper_tick(&self.keeper);
        if (is_over(came))
            return;
    }
}

/* True when all workers have been reaped. */
static bool have_left(void)
{
    bool all = true;
    for (size_t i = 0; i < LIMIT_WORKERS; i++) {
        if (self.pids[i] > 0 && waitpid(self.pids[i], NULL, WNOHANG) != 0)
            self.pids[i] = 0;
        all = all && self.pids[i] == 0;
    }
    return all;
}

static void say_goodbye(struct server *s)
{
    int64_t until = clock_ms() + (self.stops > 1 ? 0 : GOODBYE);
    server_retire_workers(s);
    spare_close(s);
    while (!have_left() && clock_ms() < until)
        usleep(1000);
    for (size_t i = 0; i < LIMIT_WORKERS; i++)
        if (self.pids[i] > 0)
            kill(self.pids[i], SIGKILL);
    while (!have_left())
        usleep(1000);
}

int model_run(struct server *s)
{
    self.server = s;
    s->overdue = kill_overdue;
    if (!server_open_service(s))
        return 1;
    int code = 1;
    if (spare_open(s) && keeper_open(&self.keeper, s)) {
        keeper_learn_modules(&self.keeper);
        fill();
        server_announce(s);
        supervise(s);
        say_goodbye(s);
        keeper_close(&self.keeper);
        code = 0;
    }
    server_close_service(s);
    return code;
}
