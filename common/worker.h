/*
 * worker.h — one worker: a process of server-proc, a thread of server-thread. Nothing in it is
 * shared; what must survive it stands in the connection table and on the scoreboard.
 */
#ifndef TANDEM_WORKER_H
#define TANDEM_WORKER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "death.h"
#include "request.h"
#include "router.h"
#include "server.h"
#include "tls_facts.h"

struct worker {
    struct teller teller; /* server, owner number, response */
    struct worker_slot *slot;
    /* Runs the handler for w->request and leaves the answer in the teller's response: inline, or in
     * a child of its own. The one argument of the shared loop. */
    void (*run)(struct worker *w);
    void *model;                  /* what the model's `run` needs */
    struct conn *conn;            /* whose request is running */
    struct route_match match;     /* where it goes */
    bool has_returned;            /* its handler has: nobody died of it */
    int pid;                      /* of a process of its own; 0: it shares one */
    int64_t cpu;                  /* µs that its handler has used; -1: not known */
    char cause[DEATH_CAUSE_SIZE]; /* why the child that ran its handler died; "": it did not */
    uint64_t streamed;            /* bytes of its body that response_flush() has sent */

    struct request request;
    struct tls_facts facts; /* what request_tls() points into */
    char *in;               /* bytes being looked at; in_size of them at most */
    size_t in_size;
    size_t in_len;
    size_t in_stashed;    /* the first so many are (still) in the connection's stash, too */
    char *kept;           /* a head and a body that came in pieces, put together */
    bool drained;         /* the socket is empty: it gave less than was asked for, or nothing */
    bool is_wary;         /* believe only "nothing": the client's end may lie behind the bytes */
    uint64_t limit;       /* requests after which this worker is replaced; 0 = none */
    int64_t now;          /* monotonic µs: when its turn began, or its last handler ended */
    int64_t stepped_back; /* likewise: when it last let other workers have the CPU */
    int64_t told;         /* likewise: when it last told how much memory it holds; 0: it has not */
    int64_t roused;       /* likewise: when it last had something to do */
    uint64_t data_limit;  /* bytes of own memory beyond which it is replaced; 0: none */
    sigset_t wakeable;    /* signals that are blocked while it waits for an event: all but one */
    bool is_leaving;      /* it lost its connection, and another has taken its place */
};

/* Gets the worker's memory. `me` is its owner number, slot index + 1. False: no memory. */
bool worker_open(struct worker *w, struct server *s, unsigned me);
void worker_close(struct worker *w);

/* From now on, handlers of loaded modules run with descriptor numbers below `limit` only. For models
 * whose workers are processes that share a descriptor table; before the first of them. */
void worker_bound_descriptors(size_t limit);

/* The handler, here and now: thread and pool. */
void run_inline(struct worker *w);
/* The same without a worker around it, for a child that has only the request. */
void run_handler(const struct route_match *match, const struct request *req, struct response *res,
                 const char *id);

#endif
