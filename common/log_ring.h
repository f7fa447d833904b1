/*
 * log_ring.h — lines on their way to the logger, in memory that all processes share.
 *
 *      worker 1 ──▶ ring ──┐
 *      worker 2 ──▶ ring ──┼──▶ logger ──▶ access log, stdout, stderr
 *      keeper   ──▶ ring ──┘
 *
 * Each ring has one writer, so there is no lock that could die with its holder, and to write a line is
 * to copy it and to move `head` behind it. One who is killed in between has written nothing. The logger
 * takes whole lines from `tail`. Where there is no room for a line, it is dropped whole and counted:
 * nobody waits.
 *
 *      tail ──▶ │ length, kind │ a line\n │ pad │ length, kind │ another line\n │ pad │ ◀── head
 *
 * The logger sleeps on a futex. Whoever writes wakes it, but only when it does sleep; under load it
 * naps for a few ms at a time instead, from which only a ring that is half full wakes it. So a line
 * costs no system call, mostly.
 *
 * A handler in a pool worker can write anything to all of this. So sizes and counts are known to each
 * process by itself, places are taken modulo the size, and each record is looked at before it is used:
 * the worst that comes of it is that lines are lost, or that there are others than have been written.
 */
#ifndef TANDEM_LOG_RING_H
#define TANDEM_LOG_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a pipe takes whole or not at all is the most that a line may be (PIPE_BUF, pipe(7)). */
enum { LOG_LINE = 4096 };

/* Where a line is to go. */
enum log_kind { LOG_ACCESS, LOG_NEWS /* stdout */, LOG_TROUBLE /* stderr */, LOG_KINDS };

/* Lines that were dropped: of the access log, and of the error log. */
struct log_dropped {
    _Atomic uint64_t access;
    _Atomic uint64_t error;
};

/* Written by the logger before and after it writes to its file, so that the next one knows where it was
 * killed. */
struct log_mark {
    _Atomic uint32_t ring; /* its number plus 1; 0: nothing was under way */
    _Atomic uint32_t length;
    _Atomic uint64_t tail; /* of the ring, before */
    _Atomic uint64_t from; /* size of the file, before */
};

struct log_shared;

/* The rings, for one process. Copied by fork; not to be changed after log_rings_open. */
struct log_rings {
    struct log_shared *shared;
    char *bytes;  /* of all rings */
    size_t count; /* rings */
    size_t size;  /* bytes of one: a power of two */
    size_t whole; /* bytes of the mapping */
    struct log_dropped *dropped;
};

/* Maps `count` rings, of which only what is written to takes up memory. `dropped` outlives them, and
 * is in shared memory, too. False: errno. Before the first process that is to write. */
bool log_rings_open(struct log_rings *r, size_t count, struct log_dropped *dropped);
void log_rings_close(struct log_rings *r);

/* By the one who writes to this ring: `n` bytes (at most LOG_LINE), of which the last is the end of the
 * line. False: there is no room, which has been counted. */
bool log_ring_put(const struct log_rings *r, size_t ring, enum log_kind kind, const char *line,
                  size_t n);
/* Counts lines of `kind` that were dropped. Anybody. */
void log_count_dropped(const struct log_rings *r, enum log_kind kind, uint64_t lines);

/* --- for the logger --- */

/* Lines of one kind that follow each other in one ring. */
struct log_batch {
    enum log_kind kind;
    size_t length;
    uint64_t tail; /* where they begin */
    uint64_t next; /* the tail behind them */
};

/* Copies lines to `out`, as many as are there and fit into `room` (at least LOG_LINE). False: there are
 * none. They stay in the ring up to log_ring_done(). A ring that makes no sense is emptied. */
bool log_ring_look(const struct log_rings *r, size_t ring, char *out, size_t room,
                   struct log_batch *batch);
void log_ring_done(const struct log_rings *r, size_t ring, const struct log_batch *batch);
struct log_mark *log_rings_mark(const struct log_rings *r);

/* Waits for lines, for `ms` at most; a nap lasts until one ring is half full. Returns at once after
 * log_rings_wake(), or on a signal. */
void log_rings_sleep(const struct log_rings *r, int ms);
void log_rings_nap(const struct log_rings *r, int ms);

/* --- for the supervisor --- */

/* Any order means: look at once. What was ordered is kept until the logger asks. */
enum log_order { LOG_REOPEN = 1, LOG_CLOSE = 2 };
void log_rings_order(const struct log_rings *r, enum log_order order);
/* By the logger: what was ordered since it last asked; LOG_CLOSE is said again and again. */
unsigned log_rings_ordered(const struct log_rings *r);
/* Takes back what was ordered; while there is no logger. */
void log_rings_forget_orders(const struct log_rings *r);

#endif
