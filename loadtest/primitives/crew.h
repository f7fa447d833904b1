/*
 * crew.h — the same function, run by threads or by processes: the one difference under test.
 */
#ifndef LOADTEST_PRIMITIVES_CREW_H
#define LOADTEST_PRIMITIVES_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "../complaint.h"

enum kind { THREADS, PROCESSES };

enum { CREW_MAX = 100 };

struct crew {
    enum kind kind;
    unsigned count; /* of those that were started and not yet waited for */
    struct member {
        void (*work)(void *with, unsigned index);
        void *with;
        unsigned index;
        pthread_t thread;
        pid_t process;
    } members[CREW_MAX];
};

/* Starts `count` members, each of which runs work(with, index) and ends. The caller has one thread
 * when it asks for processes; those die with it. False, and `why`, when one could not be started:
 * the others are then running, and crew_finish() or the end of the process is next. The crew must
 * stay where it is until it has finished. */
bool crew_start(struct crew *crew, enum kind kind, unsigned count,
                void (*work)(void *with, unsigned index), void *with, struct complaint *why);
/* Waits for all of them. False: a process did not end well. */
bool crew_finish(struct crew *crew);

#endif
