/*
 * process_fault.c — a time table, and one small function for each kind of fault.
 */
#include "process_fault.h"

#include <signal.h>
#include <string.h>

#include "procstat.h"

enum { PROCESSES = 4096, PASSES = 3 };

/* A signal to the whole tree: to its group at once, then to those below that have left it. What is
 * forked during a pass is found by the next; the parents that might fork are stopped by then. */
static void signal_tree(pid_t root, int signal)
{
    static pid_t found[PROCESSES]; /* the main thread's */
    kill(-root, signal);
    for (int pass = 0; pass < PASSES; pass++) {
        size_t count = tree_list(root, found, PROCESSES);
        for (size_t i = 0; i < count; i++)
            kill(found[i], signal);
    }
}

static bool kill_worker(struct process_faults *f, const struct injection *injection, int64_t now)
{
    static pid_t workers[PROCESSES];
    (void)injection, (void)now;
    size_t count = tree_workers(f->subject->pid, workers, PROCESSES);
    if (count == 0)
        return complain(&f->trouble, "kill-worker: %s has no worker process below it",
                        f->subject->plan.argv[0]);
    kill(workers[rng_next(&f->rng) % count], SIGKILL);
    return true;
}

static bool freeze(struct process_faults *f, const struct injection *injection, int64_t now)
{
    signal_tree(f->subject->pid, SIGSTOP);
    f->thaw_ns = now + injection->lasting_ns;
    return true;
}

static void thaw(struct process_faults *f)
{
    if (f->thaw_ns != INT64_MAX)
        signal_tree(f->subject->pid, SIGCONT);
    f->thaw_ns = INT64_MAX;
}

static bool restart(struct process_faults *f, const struct injection *injection, int64_t now)
{
    struct complaint why;
    (void)injection, (void)now;
    thaw(f);
    subject_stop(f->subject);
    return subject_start_again(f->subject, &why) || complain(&f->trouble, "restart: %s", why.text);
}

static bool reload(struct process_faults *f, const struct injection *injection, int64_t now)
{
    (void)injection, (void)now;
    kill(f->subject->pid, SIGHUP);
    return true;
}

static const struct {
    const char *kind;
    bool (*act)(struct process_faults *f, const struct injection *injection, int64_t now);
} acts[] = {
    {"kill-worker", kill_worker}, {"freeze", freeze}, {"restart", restart}, {"reload", reload}};

enum { ACTS = sizeof acts / sizeof acts[0] };

static bool act(struct process_faults *f, const struct injection *injection, int64_t now)
{
    size_t i = 0;
    while (i < ACTS && strcmp(acts[i].kind, injection->kind) != 0)
        i++;
    if (f->trouble.text[0]) /* one that failed is told; those after it might only hide it */
        return false;
    if (!subject_runs(f->subject))
        return complain(&f->trouble, "%s: the server has ended", injection->kind);
    return i < ACTS && acts[i].act(f, injection, now);
}

void process_faults_init(struct process_faults *f, struct subject *subject,
                         const struct injection *table, size_t count, uint64_t seed,
                         int64_t start_ns, int64_t end_ns)
{
    *f = (struct process_faults){
        .subject = subject, .table = table, .count = count, .end_ns = end_ns, .thaw_ns = INT64_MAX};
    rng_seed(&f->rng, seed, UINT64_MAX); /* a stream that no thread of the engine has */
    for (size_t i = 0; i < count; i++) {
        f->next_ns[i] = start_ns + table[i].first_ns;
        if (table[i].level != FAULT_PROCESS || f->next_ns[i] >= end_ns)
            f->next_ns[i] = INT64_MAX;
    }
}

int64_t process_faults_next_ns(const struct process_faults *f)
{
    int64_t next = f->thaw_ns;
    for (size_t i = 0; i < f->count; i++)
        next = f->next_ns[i] < next ? f->next_ns[i] : next;
    return next;
}

/* A moment that was missed is made up for at once, but only once. */
static void schedule_next(struct process_faults *f, size_t i, int64_t now)
{
    int64_t every = f->table[i].every_ns;
    if (every > 0)
        f->next_ns[i] += ((now - f->next_ns[i]) / every + 1) * every;
    if (every == 0 || f->next_ns[i] >= f->end_ns)
        f->next_ns[i] = INT64_MAX;
}

const char *process_faults_act(struct process_faults *f, int64_t now_ns)
{
    if (f->thaw_ns <= now_ns) {
        thaw(f);
        return NULL;
    }
    for (size_t i = 0; i < f->count; i++) {
        if (f->next_ns[i] > now_ns)
            continue;
        schedule_next(f, i, now_ns);
        return act(f, &f->table[i], now_ns) ? f->table[i].kind : NULL;
    }
    return NULL;
}

void process_faults_end(struct process_faults *f)
{
    thaw(f);
}
