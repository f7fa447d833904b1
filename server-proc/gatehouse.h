/*
 * gatehouse.h — the gatehouse, seen from the supervisor: the process that keeps the gates, which speak
 * TLS (gate/). It is a program of its own, tls-gate beside server-proc, started by exec: no process of
 * server-proc has ever mapped libssl, or a key, so none can have it in its memory.
 *
 *      supervisor ── fork + exec ──▶ gatehouse ── fork ──▶ gate, gate, …
 *         │ ▲                            ▲
 *         │ └── dies: the gates with it; started again
 *         └──── HUP, GATE_DRAIN ─────────┘
 *
 * It has the same arguments and the same environment, hence reads the same options. What is opened
 * already it finds at fixed numbers (gate_numbers). Supervisor only, unless said otherwise. All of
 * it does nothing where no TLS is spoken. model_check_tls, model_open_tls and model_close_tls
 * (common/model.h) are defined here.
 */
#ifndef SERVER_PROC_GATEHOUSE_H
#define SERVER_PROC_GATEHOUSE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/guard.h"
#include "common/server.h"
#include "common/signals.h"
#include "gate_board.h"

enum gate_numbers {
    GATE_CHANNEL = 3,
    GATE_BOARD,
    GATE_LISTENERS
}; /* those of --tls-listen follow */

/* To the gatehouse, and from there to the gates: no new guests, and end with the last one. Not TERM, which
 * whoever stops a service may send to all of its processes, meaning what the supervisor makes of it; so
 * they ignore that. At once is KILL, or the end of the parent. */
#define GATE_DRAIN SIGNAL_OURS

/* NULL: no TLS is spoken. Anybody. */
struct gate_board *gatehouse_board(void);
/* In the nest, which shares nothing with the workers. */
void gatehouse_forget(const struct server *s);

/* What it needs to be started again is to stay what it is: after keeper_open. */
void gatehouse_guard(struct guard *g);

/* True: it was the gatehouse; logged. */
bool gatehouse_reaped(pid_t pid, int status);
/* Starts it again, when it has died and it is time. */
void gatehouse_tend(struct server *s, struct guard *g);
/* True: a handler has closed what joins gates and workers, or what the next gatehouse would be given. */
bool gatehouse_is_cut_off(const struct guard *g);
/* Then all of it is made anew, and the gatehouse is ended, for another to be started. While no worker
 * lives: they know the old. */
void gatehouse_renew(struct server *s, struct guard *g);
/* The keys are to be read again. */
void gatehouse_reload(void);
/* No new connections; it ends when the last one has ended. */
void gatehouse_drain(void);
/* True when it has ended; or at `until` (monotonic ms): then what is left is cut off, and logged. */
bool gatehouse_is_drained(int64_t until);

#endif
