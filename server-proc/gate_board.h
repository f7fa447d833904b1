/*
 * gate_board.h — what gates and workers tell each other in shared memory: how connections have ended,
 * how they move, what is counted.
 *
 * THE SEAT. A gate and a worker are joined by a pair of sockets, and of those an end is just an end:
 * whether a worker has closed its socket when all was said, or has died in the middle of an answer, the
 * gate reads the same 0. What it must do is not the same, since a client believes in a close_notify.
 * So it is the END IN ORDER that is announced: each connection of a gate has a seat, whoever ends it
 * in order says so there first, and all else is an abort:
 *
 *      gate: seat_take          word = serial             a new connection, serial even
 *      worker: seat_end         serial → serial | 1       by compare-and-swap: only its own
 *      gate, at the pair's end  serial | 1 → close_notify, FIN       anything else → RST
 *
 * All of it lies where handlers can write, and is believed no further than this: who scribbles over words
 * gets clients a wrong end; over moves, a worker that waits too long for one, or not long enough; over the
 * group, sockets of cast-off connections that are not reset but shut, or a handler's own that are.
 *
 * BENCHES. Each gate has a bench of seats of its own, and gives them out itself. There are more of
 * them than gates: after a reload the old gates stay until their connections have ended.
 *
 * It lies in a memfd, which outlives gates and gatehouse; sparse, so that only seats in use cost memory.
 */
#ifndef SERVER_PROC_GATE_BOARD_H
#define SERVER_PROC_GATE_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/options.h"
#include "common/tls_figures.h"

enum { GATE_BENCHES = 4 * LIMIT_GATES, GATE_ROOM = 256 };

struct seat {
    _Atomic uint32_t word;
    _Atomic uint32_t moves; /* grows when a client that bytes wait for has taken some */
};

struct gate_board {
    uint32_t
        layout; /* of all this, and of handover.h: after an upgrade, an old supervisor may start a new
                        tls-gate */
    struct tls_figures figures;
    _Atomic uint32_t is_open; /* futex: the gates accept */
    _Atomic int group;        /* process group of gatehouse and gates */
    struct seat seats[];
};

/* Seats of one bench: --max-connections, and some more, so that those beyond can be told. */
size_t gate_board_bench(const struct options *o);
/* Seats of all benches. */
size_t gate_board_seats(const struct options *o);

/* Makes the memory, and returns its descriptor, close-on-exec; -1: errno. */
int gate_board_make(const struct options *o);
/* NULL: errno; EPROTO: it was made by another version. Kept out of core files. */
struct gate_board *gate_board_map(int fd, const struct options *o);
void gate_board_unmap(struct gate_board *b, const struct options *o);

/* Gate: the gates accept; wakes who waits for it. */
void gate_board_open(struct gate_board *b);
/* Supervisor: waits for that, for `ms` at most. False: not yet. */
bool gate_board_await(struct gate_board *b, int ms);

/* Gate: for a new connection; returns its serial, which no other of this seat has had. */
uint32_t seat_take(struct seat *s);
/* Worker, keeper: all has been said. */
void seat_end(struct seat *s, uint32_t serial);
/* Gate. */
bool seat_has_ended(const struct seat *s, uint32_t serial);

#endif
