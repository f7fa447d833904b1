/*
 * guard.h — the descriptors that all depend on are where they were.
 *
 * A handler in a pool worker can close any number of the shared table, or put something else in its
 * place: the epoll, a listener, a file that a module keeps open. Each of these is a post. What has no
 * inode of its own is marked (the signal of F_SETSIG, one for each post), others known by their inode, so one system call tells whether the
 * number still is what it was. Where it is not:
 *
 *      a second descriptor of the same file, kept for this, takes its place: nothing else was lost,
 *      since the kernel forgets neither the backlog of a listener nor what an epoll watches before
 *      the last descriptor is closed;
 *
 *      or, when that is gone, too (a loop that closes everything), it is made again: the listener
 *      at the same address, the epoll with all that it has to watch. What others have opened cannot
 *      be made again here, which is logged. Neither can what gates (server-proc) have the other end of,
 *      or an address that they still listen at: whoever starts gates sees to that.
 *
 * It is always put back at the same number: workers know the epoll by it, and epoll's own entries
 * name the listener by it. If a connection has got the number meanwhile, it is the victim.
 *
 * Meanwhile workers that wait on the epoll wait on: the call holds it open, and it still reports.
 * Others try again every few ms. In the process that keeps the workers (keeper.h), by one thread.
 */
#ifndef TANDEM_GUARD_H
#define TANDEM_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server.h"
#include "sweep.h"

enum { GUARD_EPOLL, GUARD_RETIRE, GUARD_SIGNALS, GUARD_LISTENERS };
enum {
    GUARD_HANDOVER = GUARD_LISTENERS + LIMIT_LISTENERS + 1,
    GUARD_OTHERS,
    GUARD_POSTS = GUARD_OTHERS + 64
};

struct post {
    int fd; /* -1: nobody stands here */
    int copy;
    bool is_module; /* opened by one */
    bool is_gates;  /* gates and workers are joined by it (server-proc) */
    dev_t device;   /* of the others */
    ino_t inode;
};

struct guard {
    struct server *server;
    struct sweep *sweep; /* is told of the descriptors made here */
    struct post posts[GUARD_POSTS];
    int64_t again;       /* monotonic ms: when to try again what has failed */
    bool has_lost_file;  /* that a module had opened: only the module could open it again */
    bool has_lost_gates; /* what joins gates and workers: only all of it can be made again */
    bool is_helpless;    /* a listener is gone and cannot be opened again */
};

/* Marks what is there and keeps a second descriptor of each. Once the epoll is open, before
 * sweep_open. False: no descriptors. */
bool guard_open(struct guard *g, struct server *s, struct sweep *sweep);
void guard_close(struct guard *g);

/* Looks at all, and puts right what is wrong. */
void guard_tick(struct guard *g);
/* `fd`, too, is to stay what it is now; again when it was changed on purpose. When there are too
 * many of them, it is not guarded. */
void guard_keep(struct guard *g, int fd);
/* What the modules have opened: after sweep_learn_core. */
void guard_keep_modules(struct guard *g);
/* Before sweep_now: they are opened anew. */
void guard_forget_modules(struct guard *g);
/* For whoever starts gates (server-proc). s->handover, and `fd` likewise, is what joins them to the
 * workers; the first is watched by the epoll, too. False: no descriptors. */
bool guard_keep_handover(struct guard *g);
void guard_keep_for_gates(struct guard *g, int fd);
/* All of these are closed, and has_lost_gates is over. While there are no gates, and no worker lives. */
void guard_close_gates(struct guard *g);
/* A listener of theirs is lost: its number in s->listeners is -1. */
bool guard_has_lost_listener(const struct guard *g);
/* While there are no gates: opens these again. False: logged. */
bool guard_open_lost(struct guard *g);
/* Before listeners are closed for good, and afterwards for those that are left: they may have other posts. */
void guard_release_listeners(struct guard *g);
void guard_keep_listeners(struct guard *g);

#endif
