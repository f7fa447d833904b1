/*
 * worker.c — THE LINE in which the two servers differ: here pthread_create, there clone.
 *
 * Everything is shared: a connection's answer could be built from any thread's memory, a handler
 * sees what every other has written, and one that crashes takes all of them along.
 */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/model.h"
#include "common/serve.h"
#include "common/signals.h"

/* What a thread is given, and what is known of it. */
static struct thread {
    struct server *server;
    size_t index;
    pthread_t id;
    bool is_started;
    _Atomic bool has_finished;
} threads[2 * LIMIT_WORKERS];

static _Thread_local struct worker_slot *own;

/* A handler has called exit(): that is the end of all, but let it be known who it was. */
static void note_exit(int status, void *unused)
{
    (void)status, (void)unused;
    if (own)
        atomic_store(&own->has_exited, true);
}

static void *worker_main(void *argument)
{
    struct thread *self = argument;
    struct worker w;
    char name[16];
    snprintf(name, sizeof name, "worker %zu", self->index + 1);
    prctl(PR_SET_NAME, name);
    log_sit(SEAT_WORKERS + self->index);
    own = &self->server->board->slots[self->index];
    crash_arm(&own->crash, NULL);
    if (worker_open(&w, self->server, (unsigned)self->index + 1)) {
        serve(&w);
        worker_close(&w);
    }
    crash_disarm();
    atomic_store(&self->has_finished, true);
    kill(getpid(), SIGCHLD); /* as a process would: the first thread comes and replaces it */
    return NULL;
}

bool worker_watch_exit(void)
{
    return on_exit(note_exit, NULL) == 0;
}

bool worker_make(struct server *s, size_t index)
{
    struct thread *t = &threads[index];
    scoreboard_birth(s->board, index, 0);
    t->server = s;
    t->index = index;
    atomic_store(&t->has_finished, false);
    errno = pthread_create(&t->id, NULL, worker_main, t);
    t->is_started = errno == 0;
    if (!t->is_started)
        atomic_store(&s->board->slots[index].state, WORKER_NONE);
    return t->is_started;
}

static void join(struct server *s, size_t index)
{
    pthread_join(threads[index].id, NULL);
    threads[index].is_started = false;
    atomic_store(&s->board->slots[index].state, WORKER_NONE);
}

unsigned worker_join_finished(struct server *s)
{
    unsigned found_again = 0;
    for (size_t i = 0; i < s->slots; i++) {
        if (!threads[i].is_started || !atomic_load(&threads[i].has_finished))
            continue;
        bool was_lost = atomic_load(&s->board->slots[i].state) == WORKER_LOST;
        found_again += was_lost;
        if (!was_lost)
            atomic_fetch_add(&s->board->recycled, 1);
        join(s, i);
    }
    return found_again;
}

bool worker_join_all(struct server *s, int64_t until)
{
    for (;;) {
        bool is_complete = true;
        worker_join_finished(s);
        for (size_t i = 0; i < s->slots; i++)
            is_complete = is_complete && !threads[i].is_started;
        if (is_complete || clock_ms() >= until)
            return is_complete;
        usleep(1000);
    }
}

int64_t model_cpu(size_t index)
{
    clockid_t clock;
    if (!threads[index].is_started || pthread_getcpuclockid(threads[index].id, &clock) != 0)
        return -1;
    return clock_cpu(clock);
}

void model_tell(size_t index)
{
    if (threads[index].is_started)
        pthread_kill(threads[index].id, SIGURG);
}

void model_wake(size_t index)
{
    if (threads[index].is_started)
        pthread_kill(threads[index].id, SIGNAL_OURS);
}

/* Another thread has been started in our place: this one ends. */
bool model_disowned(struct worker *w)
{
    if (w->request.body.fd >= 0)
        close(w->request.body.fd); /* left to us by lose_overdue() */
    return false;
}
