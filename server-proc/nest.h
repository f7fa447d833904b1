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
#include "common/signals.h"

enum { NEST_PLACES = LIMIT_SPARES, NEST_PAYLOAD = 128 * 1024 };

/* serial:32 | owner:16 | … | ready:1. The serial tells an answer from one that came too late. */
typedef _Atomic uint64_t place_word;

struct nest_shared {
    _Atomic uint32_t changes; /* futex: grows whenever a place may have become free */
    place_word places[NEST_PLACES];
    int ends[NEST_PLACES]; /* the spares' ends of the pairs, for a nest that is about to start */
    int signals;           /* struct nest_signal is read from here; likewise */
};

uint64_t place_make(uint32_t serial, unsigned owner, bool is_ready);
uint32_t place_serial(uint64_t word);
unsigned place_owner(uint64_t word);
bool place_is_ready(uint64_t word);
/* Tells one who waits that a place may be free. */
void nest_changed(struct nest_shared *shared);

/* Behind it: the head, the body unless it comes as a descriptor, and what TLS has told of the client
 * (struct tls_facts) if it has. */
struct spare_call {
    uint32_t serial;
    uint32_t head_len;
    uint64_t body_len;
    bool has_fd;                /* the body comes as a descriptor, not behind the head */
    bool is_secure;             /* it came by TLS */
    int64_t deadline;           /* as in struct request */
    struct sockaddr_in6 client; /* likewise */
    char id[REQUEST_ID_SIZE];
};

/*
 *      PART … PART  ANSWER          a stream, or (mostly) the answer alone
 *      PART …  CRASH  DEATH         CRASH only when it died of a signal it could still tell of
 */
enum reply_kind {
    REPLY_PART, /* response_flush(): status, type and headers count in the first; the body in each */
    REPLY_ANSWER, /* the handler has returned */
    REPLY_CRASH,  /* behind it: struct crash */
    REPLY_DEATH   /* by the nest: wait_status and usage */
};

struct spare_reply {
    uint32_t serial;
    enum reply_kind kind;
    int wait_status;
    struct rusage usage;
    int status;
    char type[128];
    uint32_t headers_len;
    uint32_t body_len;
    bool failed; /* the handler failed after a part was out */
    bool has_fd; /* the body comes as a descriptor */
    uint64_t offset;
    uint64_t length;
    int64_t cpu; /* µs that the spare has used; -1: not known */
};

/* Stays pending, since all our processes block it, until the spare looks: the next response_flush()
 * says false. */
#define NEST_CLIENT_GONE SIGNAL_OURS

/* What the nest is asked to do to a spare, which it alone can name without a mistake. */
struct nest_signal {
    uint32_t place;
    uint32_t serial;
    int number;
};

struct nest {
    struct server *server;
    struct nest_shared *shared;
    int ends[NEST_PLACES];
    int signals;         /* struct nest_signal is read from here */
    bool *is_of_modules; /* descriptor numbers that modules have opened */
};

/* The nest itself, in a process just forked for it. Ends with it. */
_Noreturn void nest_main(struct nest *n, pid_t supervisor);

#endif
