/*
 * guest.h — one client of a gate, from accept to close.
 *
 *                accept ──▶ PROXIED: by a trusted proxy, which is to say first whose it is
 *                  │ ◀─ said ──┘  └── says something else ──▶ RST, gone
 *               SHAKING ── plain HTTP ──▶ MISSPOKEN ── its socket is handed over ──▶ gone
 *                  │  └──── no TLS ─────▶ REFUSED ──── the client has read why ────▶ gone
 *       handshake: │                         ▲
 *     a pair is    │    its records are not right any more
 *     handed over  ▼                         │
 *                OPEN ───────────────────────┘
 *                  │  └── the worker's end of the pair is closed, and nobody has said that this is
 *                  │      the end in order (gate_board.h); the client is gone ──▶ RST, gone
 *                  ▼
 *               ENDING ── the client takes nothing any more ──▶ RST, gone
 *                  │
 *     there is room for it: close_notify, FIN
 *                  ▼
 *              LINGERING ── the client has ended, too ──▶ gone
 *
 *   PROXIED    --tls-handshake-timeout runs (common/proxy_header.h)
 *   SHAKING    … and runs on
 *   OPEN       bytes go both ways (pump.h); the client's end, when it comes, is passed on, and the
 *              answer still goes out. While bytes wait for the client, --write-timeout runs
 *   ENDING     in order, and all has been sent but the close_notify, for which the socket may be too
 *              full. Otherwise like OPEN
 *   LINGERING  all that was promised is sent. What the client still sends goes to the worker, who may
 *              be reading it away, or nowhere: a close with bytes unread would be a reset, which can
 *              overtake what was sent
 *   REFUSED    an alert has been sent; likewise, without TLS
 *   MISSPOKEN  waits for room in the channel, as one that has just become OPEN may, too
 *
 * For the one thread of the gate.
 */
#ifndef SERVER_PROC_GATE_GUEST_H
#define SERVER_PROC_GATE_GUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "pump.h"

struct gate;
struct tls_session;
TAILQ_HEAD(guest_list, guest);

enum guest_state {
    GUEST_PROXIED,
    GUEST_SHAKING,
    GUEST_OPEN,
    GUEST_ENDING,
    GUEST_LINGERING,
    GUEST_REFUSED,
    GUEST_MISSPOKEN
};

struct guest {
    enum guest_state state;
    int socket;    /* the client's */
    int pair;      /* our end; -1: none yet, or no more */
    int far;       /* the other end, until it is handed over; -1 */
    uint32_t seat; /* in our bench */
    uint32_t serial;
    bool has_client_ended;
    bool waits_for_worker; /* epoll tells when the pair has room */
    bool is_due;
    struct pump pump;
    struct tls_session *tls;
    struct guest_list *timer; /* of the gate's, in which it is; NULL: none */
    int64_t since; /* monotonic ms: the deadline; of a stalled one, when it last took something */
    int unsent;    /* stalled: bytes in its socket when it was last looked at, or sent to */
    struct sockaddr_in6 peer; /* as accept(2) gave it, or a trusted proxy */
    TAILQ_ENTRY(guest) timed, dues, queued;
};

/* Just accepted. The socket is the guest's, and is closed when there is no memory for one. */
void guest_arrive(struct gate *g, int socket, const struct sockaddr_in6 *peer);

/* epoll has told something of its socket, or of its pair. It may be gone afterwards, as after all
 * that follows. */
void guest_event(struct gate *g, struct guest *u, bool of_pair, uint32_t events);
/* Its next share. */
void guest_go_on(struct gate *g, struct guest *u);
/* Hands it over to the workers. False: the channel is full, it stays in the queue. */
bool guest_hand_over(struct gate *g, struct guest *u);
/* Its deadline has come: shaking, lingering. */
void guest_expire(struct gate *g, struct guest *u);
/* Stalled: has it taken anything since? */
void guest_look(struct gate *g, struct guest *u);

/* The gate ends, and does not wait for it. */
void guest_expel(struct gate *g, struct guest *u);

/* For epoll's data.u64, and back. Serials are never 0. */
uint64_t guest_tag(const struct guest *u, bool of_pair);
struct guest *guest_of(const struct gate *g, uint64_t tag, bool *of_pair);

#endif
