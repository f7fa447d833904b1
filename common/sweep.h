/*
 * sweep.h — descriptors that nobody owns are closed.
 *
 * Workers that share one descriptor table leave what they had open when they die, and a handler may
 * open and forget. Each number that is open is of one of these kinds:
 *
 *      core      open before the first worker: of the supervisor, and of the modules
 *      used      a connection's socket, or named in a connection's slot (a body, an answer)
 *      in hand   a living worker has just opened it, or is just about to close it
 *      leaked    nobody knows it
 *
 * The first two can be looked up; the last two look the same. Nothing tells them apart but time: a
 * worker that has come to the end of its turn has nothing in hand. This is read-copy-update with
 * descriptors for memory: close what nobody can reach, after all who may have reached it before
 * have passed a point where they hold nothing (a grace period; P. McKenney).
 *
 *              asked, or too many are open
 *      REST ──────────────────────────────▶ FIRST ──────────────────▶ SECOND ─────────────▶ REST
 *                suspects: open, neither      all have passed: still     all have passed:
 *                core nor used; marked        neither used nor           the same again,
 *                                             reopened?                  and close
 *
 * Why two periods: descriptors move from a hand to a slot, and out of a slot into a hand, to be
 * closed (first the slot forgets, see conn_close_body). One that was in A's hand when it became a
 * suspect is in a slot, or closed, when A has passed. But just before we look at that slot, B may
 * have taken it out and is about to close it: it looks leaked, and if we closed it now, its number
 * would be another's when B closes it. B was in its turn then, so after a second period B has closed
 * it. What is still there was in no hand and in no slot when the second period began, and nothing
 * gets out of there.
 *
 * Numbers are reused at once, so a suspect is marked, and what does not bear its mark any more is
 * another one. The mark is on the open file (the signal of F_SETSIG, which nothing here uses) and on
 * the number (FD_CLOEXEC is the other way round): a second dup() of a file that a module keeps open
 * has the first mark, too, and a descriptor of O_PATH can have only the second. Nothing starts
 * programs meanwhile that could inherit it: the sandbox forbids that; with --sandbox off, a handler
 * that forks may.
 *
 * In the process that keeps the workers (keeper.h), by one thread.
 */
#ifndef TANDEM_SWEEP_H
#define TANDEM_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "grace.h"
#include "server.h"

enum sweep_stage { SWEEP_REST, SWEEP_FIRST, SWEEP_SECOND };

struct sweep {
    struct server *server;
    enum sweep_stage stage;
    bool is_asked;
    bool knows_core;    /* else nothing is swept: who knows what is being opened right now */
    int limit;          /* numbers below this can be open */
    int highest;        /* … and up to this have been connections */
    int64_t spent;      /* µs that this sweep has cost so far */
    int64_t not_before; /* monotonic µs: the next one, so that all together cost little */
    int64_t look_again; /* likewise: for leaks no death has told of */
    /* Sets of descriptor numbers, one bit each. */
    uint64_t *own;      /* open when sweep_open was called: never closed */
    uint64_t *core;     /* these, and what modules have opened */
    uint64_t *used;     /* named in the connection table, at the last look */
    uint64_t *suspect;  /* marked */
    uint64_t *was_set;  /* FD_CLOEXEC of a suspect before it was marked */
    struct grace grace; /* the period */
};

/* What is open now, --ready-fd excepted, is the supervisor's own. False: no memory. */
bool sweep_open(struct sweep *w, struct server *s);
void sweep_close(struct sweep *w);

/* What is open now and no connection's is core. When the modules are open and no worker lives;
 * before this, and again from sweep_now() on, nothing is swept. */
void sweep_learn_core(struct sweep *w);
/* A module has opened it. */
bool sweep_is_module(const struct sweep *w, int fd);
/* The supervisor has opened `fd` itself, later; or closed it. */
void sweep_keep(struct sweep *w, int fd);
void sweep_forget(struct sweep *w, int fd);

/* Something may have been left open: a worker has died, a slot was not to be believed. */
void sweep_ask(struct sweep *w);
/* One step, if there is any to do. Every keeper_pause() ms. */
void sweep_tick(struct sweep *w);
bool sweep_is_busy(const struct sweep *w);
/* No process but this one shares the table, hence no hand holds anything: what is neither the
 * supervisor's own nor used is closed at once, the modules' descriptors included. */
void sweep_now(struct sweep *w);

#endif
