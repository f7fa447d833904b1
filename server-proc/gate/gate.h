/*
 * gate.h — a gate: one process, one loop, that accepts on the listeners of --tls-listen, speaks TLS
 * with whoever comes, and passes plain bytes on to the workers.
 *
 *      listeners ── accept ──▶ guest (guest.h): handshake ──▶ handed over ──▶ bytes both ways ──▶ end
 *
 * It is the one process that handles both a client's bytes and a key. So it can do nothing else: it runs
 * as another user, may reach no file and no process, and has system calls for sockets alone
 * (common/sandbox.h); it parses TLS, and nothing of HTTP.
 *
 * When it dies, its connections do; the gatehouse starts another at once. What is shared with other
 * gates: the listeners, the channel to the workers, the keys of the tickets, so that a client who comes
 * back to another gate goes on with its session.
 */
#ifndef SERVER_PROC_GATE_GATE_H
#define SERVER_PROC_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/options.h"
#include "common/tls/context.h"
#include "guest.h"
#include "server-proc/gate_board.h"

/* What a gate is given by the gatehouse. */
struct gate_charge {
    const struct options *options;
    struct gate_board *board;
    size_t bench; /* which: its seats are its own */
    int channel;  /* handover.h */
    int listener; /* the first of options->tls_listen.count, with numbers in a row */
    int signals;  /* signalfd */
    struct tls_context *context;
};

struct place {
    struct guest *guest; /* NULL: nobody */
    uint32_t next_free;  /* when this one is */
};

struct gate {
    const struct gate_charge *charge;
    int epoll;
    int64_t now;          /* monotonic ms, as of this round */
    struct place *places; /* one for each seat of the bench */
    size_t place_count, free_count;
    uint32_t first_free;                  /* of the free ones, the one that was left last */
    struct guest_list due;                /* have had their share, and have more to do */
    struct guest_list queue;              /* to be handed over; the channel is full */
    struct guest_list shaking, lingering; /* in the order of their deadlines */
    struct guest_list stalled;            /* bytes wait until the client takes some */
    int64_t look_at;                      /* monotonic ms: when to look at these again */
    bool is_listening, is_draining;
    int64_t listen_again; /* monotonic ms: not before; 0: at once */
};

/* For this process, and the gates that it forks: as many as they need, or can have; it warns when that is
 * too few for --max-connections. */
void gate_reserve_descriptors(const struct options *o);

/* What has to be made before the sandbox is entered. False: errno; gate_close in any case. */
bool gate_open(struct gate *g, const struct gate_charge *charge);
/* Serves until it is told to end and its last guest has gone. Returns the exit code. */
int gate_serve(struct gate *g);
void gate_close(struct gate *g);

#endif
