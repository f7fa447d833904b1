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
#include "log_ring.h"
#include "obituary.h"
#include "quarantine.h"

/*
 *   NONE ──▶ WAITING ──▶ ACCEPTING ──▶ TURN ──▶ WAITING …
 *               └──────────────────────▲ └────▶ LOST: a thread that was robbed of its request and
 *                                               has not come back
 */
enum worker_state { WORKER_NONE, WORKER_WAITING, WORKER_ACCEPTING, WORKER_TURN, WORKER_LOST };

enum { SCORE_METHOD = 24, SCORE_TARGET = 200 };
enum { REQUEST_ID_SIZE = LIMIT_REQUEST_ID + 1 }; /* with its NUL */

struct worker_slot {
    _Atomic int state;
    _Atomic int conn;          /* the descriptor it works on, set before it claims it; -1: none */
    _Atomic int pid;           /* process (server-proc) or 0 */
    _Atomic int64_t born;      /* monotonic µs */
    _Atomic uint64_t turns;    /* grows whenever the worker owns nothing */
    _Atomic int64_t started;   /* monotonic µs: when the handler was called; 0: not in a handler */
    _Atomic uint64_t requests; /* answered since its birth */
    _Atomic int route;         /* of the request that runs: its index on the board; -1: none */
    _Atomic bool must_leave;   /* written by the keeper: go when you own nothing */
    _Atomic uint64_t pss;      /* bytes of memory, as it last told; 0: it has not yet */
    _Atomic uint64_t faults;   /* minor page faults since its birth, those that it has told */
    struct crash crash;        /* how it died */
    _Atomic bool has_exited;   /* its handler has called exit(): server-thread */
    struct sockaddr_in6
        client;                /* who has sent it, where its connection's peer is a trusted proxy */
    uint64_t serial;           /* number of the request that runs; its id is made from this */
    char id[REQUEST_ID_SIZE];  /* … unless the client has given it one; "": it has not */
    _Atomic int status;        /* of the answer, once its head is out, of a stream; 0: it is not */
    _Atomic uint64_t streamed; /* bytes of its body that are out */
    _Atomic int64_t cpu; /* ns the worker had used when the handler was called; -1: not known */
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

/* What an open connection is at, for the figures. */
enum conn_state {
    CONN_STATE_IDLE,    /* kept, and asks for nothing */
    CONN_STATE_READING, /* of a request a part has come, or it is being looked at */
    CONN_STATE_RUNNING, /* its handler runs */
    CONN_STATE_WRITING, /* an answer goes out, or waits for room */
    CONN_STATE_LINGERING,
    CONN_STATE_HANDSHAKING,
    CONN_STATES
};

struct scoreboard {
    _Atomic int stop;     /* enum drain_order: what the supervisor has told (server-thread) */
    _Atomic int draining; /* likewise: ANNOUNCE, /readyz says so; LEAVE, no connection is kept */
    _Atomic int is_up;    /* workers have been started */
    _Atomic unsigned
        beat; /* grows with each round of the keeper: somebody looks after connections */
    _Atomic int connections;
    _Atomic uint64_t spooled;   /* bytes of bodies in descriptors */
    _Atomic uint64_t deaths;    /* of workers, by signal or by themselves */
    _Atomic unsigned lost;      /* threads that were robbed and have not come back */
    _Atomic uint64_t recycled;  /* workers that were replaced in good health */
    _Atomic uint64_t unsound;   /* slots of the connection table that did not bear their seal */
    _Atomic uint64_t swept;     /* descriptors that were left open, and closed by the keeper */
    struct log_dropped dropped; /* lines that a log lacks */
    _Atomic unsigned conns[CONN_STATES]; /* open connections, as the keeper last saw them */
    _Atomic uint64_t rate;               /* requests answered per second, likewise */
    _Atomic uint64_t cpu;                /* ms of CPU time, the most that a watcher was told */
    struct obituaries obituaries;
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

/* Bytes of the id that `text` holds, up to its NUL or `n`; 0: it is none. An id has nothing in it that
 * would have to be escaped in JSON, HTML or a log: letters, digits and ._~+/=:@- */
size_t request_id_length(const char *text, size_t n);
/* The id of the request that runs in a slot, as logs and error answers tell it: what the client has sent
 * as X-Request-Id (then true), when that is one, or else one like "5f3a9c10-003-42". */
bool request_id(const struct scoreboard *b, const struct worker_slot *slot,
                char out[REQUEST_ID_SIZE]);

#endif
