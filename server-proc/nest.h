/*
 * nest.h — where the children of --isolation fresh come from, and what is said to them.
 *
 * The nest is a small process with a descriptor table of its own, which holds no connection. It
 * keeps one child (a spare) ready in each of its places; a spare runs one handler and ends.
 *
 *      worker ──── call: head and body ───▶ spare            one SOCK_SEQPACKET pair per place;
 *         ◀──────── answer ────────────────┘ │ exits          its far end is the spare's, and the
 *         ◀──────── "it died of …" ─── nest ◀┘                nest's, who speaks for the dead
 *
 * A place is free when its spare is ready and no worker holds it; both are one word in shared
 * memory.
 */
#ifndef SERVER_PROC_NEST_H
#define SERVER_PROC_NEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "common/response.h"
#include "common/server.h"

enum { NEST_PLACES = LIMIT_SPARES, NEST_PAYLOAD = 128 * 1024 };

/* serial:32 | owner:16 | … | ready:1. The serial tells an answer from one that came too late. */
typedef _Atomic uint64_t place_word;

struct nest_shared {
    _Atomic uint32_t changes; /* futex: grows whenever a place may have become free */
    unsigned count;
    place_word places[NEST_PLACES];
};

uint64_t place_make(uint32_t serial, unsigned owner, bool is_ready);
uint32_t place_serial(uint64_t word);
unsigned place_owner(uint64_t word);
bool place_is_ready(uint64_t word);
/* Tells one who waits that a place may be free. */
void nest_changed(struct nest_shared *shared);

struct spare_call {
    uint32_t serial;
    uint32_t head_len;
    uint64_t body_len;
    bool has_fd; /* the body comes as a descriptor, not behind the head */
    char id[REQUEST_ID_SIZE];
};

struct spare_reply {
    uint32_t serial;
    bool is_dead; /* then only wait_status and usage count */
    int wait_status;
    struct rusage usage;
    int status;
    char type[128];
    uint32_t headers_len;
    uint32_t body_len;
    bool has_fd; /* the body comes as a descriptor */
    uint64_t offset;
    uint64_t length;
};

struct nest_kill {
    uint32_t place;
    uint32_t serial;
};

struct nest {
    struct server *server;
    struct nest_shared *shared;
    int ends[NEST_PLACES]; /* the spares' ends of the pairs */
    int kills;             /* struct nest_kill is read from here */
    bool is_core[1024];    /* descriptors to keep: open before the first connection */
};

/* The nest itself, in a process just forked for it. Ends with it. */
_Noreturn void nest_main(struct nest *n, pid_t supervisor);

#endif
