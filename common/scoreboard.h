/*
 * scoreboard.h — what each worker is doing, in memory all share; and what is counted for the
 * server.
 *
 * A worker's slot is written by that worker alone (pid and state at its birth by whoever makes it)
 * and read by the keeper. The keeper believes none of it: each value is checked when used.
 */
#ifndef TANDEM_SCOREBOARD_H
#define TANDEM_SCOREBOARD_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crash.h"
#include "limits.h"
#include "quarantine.h"

/*
 *   NONE ──▶ WAITING ──▶ ACCEPTING ──▶ TURN ──▶ WAITING …
 *               └──────────────────────▲ └────▶ LOST: a thread that was robbed of its request and
 *                                               has not come back
 */
enum worker_state { WORKER_NONE, WORKER_WAITING, WORKER_ACCEPTING, WORKER_TURN, WORKER_LOST };

enum { SCORE_METHOD = 24, SCORE_TARGET = 200 };

struct worker_slot {
    _Atomic int state;
    _Atomic int conn;          /* the descriptor it works on, set before it claims it; -1: none */
    _Atomic int pid;           /* process (server-proc) or 0 */
    _Atomic uint64_t turns;    /* grows whenever the worker owns nothing */
    _Atomic int64_t started;   /* monotonic µs: when the handler was called; 0: not in a handler */
    _Atomic uint64_t requests; /* answered since its birth */
    _Atomic int route;         /* of the request that runs: its index on the board; -1: none */
    _Atomic bool must_leave;   /* written by the keeper: go when you own nothing */
    _Atomic uint64_t pss;      /* bytes of memory, as it last told; 0: it has not yet */
    struct crash crash;        /* how it died */
    _Atomic bool has_exited;   /* its handler has called exit(): server-thread */
    struct sockaddr_in6
        client;      /* who has sent it, where its connection's peer is a trusted proxy */
    uint64_t serial; /* number of the request that runs; its id is made from this */
    char method[SCORE_METHOD];
    char target[SCORE_TARGET]; /* as it came, cut to fit */
};

/* What requests have died of. A new one wants its word in cause_word(). */
enum cause {
    CAUSE_SEGV,
    CAUSE_BUS,
    CAUSE_ABRT,
    CAUSE_KILL,
    CAUSE_SIGNAL, /* any other */
    CAUSE_EXIT,   /* it called exit, or the like */
    CAUSE_TIME,   /* --request-timeout */
    CAUSE_CPU,    /* --worker-cpu */
    CAUSE_MEMORY, /* --worker-memory */
    CAUSES
};
const char *cause_word(enum cause cause); /* "segv", as in metrics */

enum { ROUTE_NAME = 64 };

/* A route, as all processes see it, the one that loads no modules included. */
struct route_slot {
    char path[ROUTE_NAME]; /* cut to fit; written before the first worker */
    _Atomic uint64_t killed[CAUSES];
    struct ward ward;
};

enum { SERVED_STRIPES = 16, CACHE_LINE = 64 };

struct scoreboard {
    _Atomic int stop;     /* what the supervisor was told: 0 serve, 1 drain, 2 end at once */
    _Atomic int draining; /* no answer keeps its connection any more */
    _Atomic int is_up;    /* workers have been started */
    _Atomic int connections;
    _Atomic uint64_t spooled;  /* bytes of bodies in descriptors */
    _Atomic uint64_t deaths;   /* of workers, by signal or by themselves */
    _Atomic unsigned lost;     /* threads that were robbed and have not come back */
    _Atomic uint64_t refused;  /* answers to what was no whole request: 400, 408, 431, … */
    _Atomic uint64_t recycled; /* workers that were replaced in good health */
    _Atomic uint64_t unsound;  /* slots of the connection table that did not bear their seal */
    _Atomic uint64_t swept;    /* descriptors that were left open, and closed by the keeper */
    /* Requests that were answered, in stripes, so that two workers seldom write the same line. Not
     * in the workers' slots: whoever takes over a slot, or ruins it, changes nothing here. */
    struct {
        _Alignas(CACHE_LINE) _Atomic uint64_t count;
    } served[SERVED_STRIPES];
    struct route_slot routes[LIMIT_ROUTES];
    _Atomic unsigned route_count;
    char opening[ROUTE_NAME]; /* module whose code runs before the first worker; "": none */
    int64_t booted;           /* ms since 1970: when the server was started */
    uint32_t boot;            /* a random part of every request id */
    struct worker_slot slots[];
};

/* Maps a board with `count` slots; NULL (errno) when there is no memory. */
struct scoreboard *scoreboard_open(size_t count);
/* `count` as it was opened with: what stands on the board is not believed. */
void scoreboard_close(struct scoreboard *b, size_t count);
/* Forgets workers and connections, and takes another boot number; what routes have cost stays. While
 * no worker lives. */
void scoreboard_clear(struct scoreboard *b, size_t count);
/* It owns no connection and has no descriptor in hand. */
bool worker_is_at_rest(const struct worker_slot *slot);
/* A new worker takes over slot `index`. */
void scoreboard_birth(struct scoreboard *b, size_t index, pid_t pid);
/* One more request has been answered, by the worker of slot `index` or in its place. */
void scoreboard_count_served(struct scoreboard *b, size_t index);
/* How many that makes since the server was started. It never falls. */
uint64_t scoreboard_served(const struct scoreboard *b);

enum { REQUEST_ID_SIZE = 48 };
/* "5f3a9c10-003-42": the id of the request that runs in a slot, with its NUL. */
void request_id(const struct scoreboard *b, const struct worker_slot *slot,
                char out[REQUEST_ID_SIZE]);

#endif
