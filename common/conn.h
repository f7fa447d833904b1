/*
 * conn.h — the connection table: one slot per descriptor number, in memory all workers share.
 *
 * A slot is why an idle keep-alive connection occupies no worker: all that must outlive a turn with
 * a worker stands in it. Who may touch a slot is decided by one word, changed only by
 * compare-and-swap, so that nothing can be left locked by a worker that dies:
 *
 *      word = generation:24 | sequence:16 | owner:16 | phase:7 | note:1
 *
 *   generation  which connection this descriptor number stands for; epoll events carry it, so that
 *               an event for a connection that is gone is known as such
 *   sequence    grows with every change of phase: a word seen twice is the same moment, not another
 *   owner       0 nobody, 1… a worker, CONN_SUPERVISOR whoever keeps the workers alive
 *   note        "there is more": left by a worker that got an event for what is not its own
 *
 *                 conn_open                  conn_claim
 *      FREE ─────────────────▶ HELD ◀──────────────────────── IDLE ◀─┐
 *        ▲                      │ ▲ ────────── conn_release ─────────┘
 *        │                      │ │
 *        │                 READ ◀─┤   bytes leave the socket, or the stash, for the owner
 *        │                      │ │
 *        │                  RUN ◀─┤   the handler runs; no byte of the answer is out
 *        │                      │ │
 *        │                 SEND ◀─┘   bytes of the answer go out
 *        │                      │
 *        └────── CLOSING ◀──────┘
 *
 * A phase is written before its step is taken. So when the owner dies, the phase says what is lost:
 *
 *      IDLE     nothing: nobody owned it
 *      HELD     nothing: hand it on
 *      READ     perhaps bytes of a request: RST
 *      RUN      the answer: the supervisor gives one in its place, the connection lives
 *      SEND     perhaps part of the answer: RST, so that half a body can never look whole
 *      CLOSING  nothing: finish the close, by RST where the socket has been told so
 *
 * What is shared can be scribbled on by a wild handler. So a slot bears a seal while nobody owns it:
 * a checksum of all that stands in it, which whoever claims it next compares.
 *
 * epoll watches each connection edge-triggered from open to close and is never re-armed: an event
 * for an owned connection becomes a note, and the owner looks for a note before it lets go.
 */
#ifndef TANDEM_CONN_H
#define TANDEM_CONN_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunked.h"
#include "tls_facts.h"

enum { CONN_NOBODY = 0, CONN_SUPERVISOR = 0xffff };

enum conn_phase { CONN_FREE, CONN_IDLE, CONN_HELD, CONN_READ, CONN_RUN, CONN_SEND, CONN_CLOSING };

/* What a connection waits for while nobody owns it, hence which time-out is running. */
enum conn_wait { WAIT_REQUEST, WAIT_HEADER, WAIT_BODY, WAIT_WRITE, WAIT_LINGER, WAIT_SHAKE };

enum {
    CONN_LAST = 1,     /* close when the answer is out */
    CONN_LINGER = 2,   /* our side is shut: read and forget until the client ends */
    CONN_HEAD = 4,     /* the request that runs is a HEAD: its answer has no body */
    CONN_OLD = 8,      /* … is HTTP/1.0: say so when the connection is kept */
    CONN_SERVED = 16,  /* at least one request has been served */
    CONN_WATCHED = 32, /* epoll knows it */
    CONN_ROOM = 64,    /* … and tells, for this answer, when there is room to write */
    CONN_HTML = 128,   /* the client of the request that runs would rather read errors as a page */
    CONN_ADMIN = 256,  /* it came in by --admin */
    CONN_TLS = 512,    /* its client speaks TLS: see wire.h */
    CONN_SHAKING = 1024,   /* … and the handshake is not over */
    CONN_MISSPOKEN = 2048, /* its client should have spoken TLS, and spoke plain HTTP */
    CONN_TRUSTED = 4096,   /* its peer is one of --trusted-proxy */
    CONN_PROXIED = 8192,   /* … which has not said yet whose connection it is: proxy_header.h */
    CONN_KEPT = CONN_SERVED | CONN_WATCHED | CONN_ADMIN | CONN_TLS |
                CONN_TRUSTED /* from one request to the next */
};

/* Part of an answer that the socket has not taken yet. */
struct conn_part {
    int fd; /* -1: nothing */
    uint64_t offset;
    uint64_t left;
    int64_t promised; /* ns since 1970: when it was last modified, at the time; 0: do not look */
};

struct conn {
    _Alignas(16) _Atomic uint64_t word;
    uint64_t seal;            /* of all that stands below, while it is IDLE */
    _Atomic int64_t deadline; /* monotonic ms; 0 = none; what it means depends on phase and wait */
    _Atomic uint8_t wait;     /* enum conn_wait */
    uint64_t cookie;          /* SO_COOKIE: the kernel's own name for this socket */
    uint16_t flags;
    uint32_t stash_off; /* bytes that have arrived and are not consumed: stash[off … off + len) */
    uint32_t stash_len;
    uint32_t stash_high; /* how far the stash has been written since it was last given back */
    uint32_t head_len;   /* > 0: a body is arriving; its request's head is stash[0 … head_len) */
    uint32_t body_kept;  /* body bytes in stash[head_len …), as long as it is not spooled */
    int body_fd;         /* the spooled body; -1: none */
    uint64_t body_got;   /* decoded body bytes so far */
    uint64_t body_left;  /* Content-Length bytes still to come (not used when chunked) */
    uint64_t spooled;    /* this connection's part of the server's spool budget */
    int queued;          /* bytes the kernel held for the client when WAIT_WRITE began; of one
                            that is CONN_PROXIED, that had come from it when last looked at */
    int64_t since; /* monotonic ms: when the head or body, or what is PROXIED, began to come */
    bool is_chunked;
    struct chunked chunked;
    struct conn_part out[2];  /* sent in this order */
    struct sockaddr_in6 peer; /* IPv4 as itself; AF_UNIX has family only. The PROXY header's word */
    uint32_t seat;            /* server-proc, CONN_TLS: where an end in order is announced … */
    uint32_t serial;          /* … and as whose */
};

_Static_assert(sizeof(struct conn) <= 256, "an idle connection costs at most 256 bytes of ours");

struct conn_table {
    struct conn *slots;
    char *stashes;
    struct tls_facts *facts; /* one per slot; NULL: no TLS is spoken */
    size_t size;             /* slots: one for each descriptor number this process may have */
    size_t stash_size;       /* bytes per slot; untouched ones cost address space only */
    _Atomic int *highest;    /* highest descriptor number that was a connection; in shared memory */
};

/* Maps the table. False (with errno) when there is no address space. Before any worker starts. */
bool conn_table_open(struct conn_table *t, size_t size, size_t stash_size);
/* Maps what TLS needs beside it. Likewise. */
bool conn_table_open_facts(struct conn_table *t);
/* Forgets every connection and gives the memory back; only while no worker lives. */
void conn_table_clear(struct conn_table *t);
void conn_table_close(struct conn_table *t);

/* The highest descriptor number that was a connection; never beyond the table. */
int conn_table_highest(const struct conn_table *t);

struct conn *conn_at(const struct conn_table *t, int fd); /* NULL: no such descriptor number */
int conn_fd(const struct conn_table *t, const struct conn *c);
char *conn_stash(const struct conn_table *t, const struct conn *c);
/* Of a connection with CONN_TLS, its handshake done; NULL: it is none. */
const struct tls_facts *conn_facts(const struct conn_table *t, const struct conn *c);

/* Reading the word. */
uint64_t conn_word(const struct conn *c);
enum conn_phase conn_phase(uint64_t word);
unsigned conn_owner(uint64_t word);
unsigned conn_generation(uint64_t word);

/* For epoll's data.u64, and back. */
uint64_t conn_tag(int fd, unsigned generation);
int conn_tag_fd(uint64_t tag);
unsigned conn_tag_generation(uint64_t tag);

/* Any → HELD by `me`. For the one who has just been given this descriptor by accept(): whatever the
 * slot says is about a connection the kernel has already ended. */
struct conn *conn_open(struct conn_table *t, int fd, unsigned me);
/* IDLE → HELD by `me`. False: stale, or owned by another, who now finds a note. */
bool conn_claim(struct conn *c, unsigned generation, unsigned me);
/* To another phase, by its owner. False: the supervisor has taken it; do not touch it again. */
bool conn_step(struct conn *c, unsigned me, enum conn_phase phase);
/* HELD → IDLE. False: a note was there (now removed): still owned, look at the socket again. */
bool conn_release(struct conn *c, unsigned me);
/* Leaves a note with the owner of the moment `seen`. False: the moment has passed, look again. */
bool conn_note(struct conn *c, uint64_t seen);
/* From exactly the moment `seen` to `phase`, owned by the supervisor. False: it has moved on. */
bool conn_seize(struct conn *c, uint64_t seen, enum conn_phase phase);
/* CLOSING by `me` → FREE. False: the number is already another connection's. */
bool conn_free(struct conn *c, unsigned me);

/* For whoever has just claimed it, or seized it from IDLE, before anything in it is changed. False:
 * it was changed while nobody owned it, and nothing that stands in it can be believed. */
bool conn_bears_seal(const struct conn *c);
/* All but the word as in conn_open, the stash too; whatever descriptors stand in it are forgotten.
 * Owner only. */
void conn_reset(const struct conn_table *t, struct conn *c);

/* Gives the stash's pages back to the kernel. Owner only, when nothing in it is needed. */
void conn_stash_drop(const struct conn_table *t, struct conn *c);

#endif
