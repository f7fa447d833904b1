/*
 * crew.c — pthread_create and pthread_join, or fork and waitpid.
 */
#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void *thread_main(void *argument)
{
    struct member *m = argument;
    m->work(m->with, m->index);
    return NULL;
}

static bool start_thread(struct member *m, struct complaint *why)
{
    int error = pthread_create(&m->thread, NULL, thread_main, m);
    return error == 0 || complain(why, "no more threads: %s", strerror(error));
}

static bool start_process(struct member *m, struct complaint *why)
{
    pid_t parent = getpid();
    m->process = fork();
    if (m->process == 0) {
        prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
        if (getppid() == parent)
            m->work(m->with, m->index);
        _exit(0);
    }
    return m->process > 0 || complain(why, "no more processes: %s", strerror(errno));
}

bool crew_start(struct crew *crew, enum kind kind, unsigned count,
                void (*work)(void *with, unsigned index), void *with, struct complaint *why)
{
    crew->kind = kind;
    crew->count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct member *m = &crew->members[i];
        *m = (struct member){.work = work, .with = with, .index = i};
        if (kind == THREADS ? !start_thread(m, why) : !start_process(m, why))
            return false;
        crew->count++;
    }
    return true;
}

bool crew_finish(struct crew *crew)
{
    bool well = true;
    for (; crew->count > 0; crew->count--) {
        const struct member *m = &crew->members[crew->count - 1];
        int status = 0;
        if (crew->kind == THREADS)
            pthread_join(m->thread, NULL);
        else
            well &= waitpid(m->process, &status, 0) == m->process && status == 0;
    }
    return well;
}
