/*
 * obituary.h — the last deaths, for /status: a ring on the board, which outlives all who die.
 *
 * Whoever writes an obituary's line to the error log (death.h) enters it here, too: the supervisor,
 * the keeper, in fresh a worker; so there may be several writers, and each may be killed in the
 * middle of it:
 *
 *      writer   takes the next number · number = 0 · words · number = its own
 *      reader   number · words · number again: only what has not moved is believed to be whole
 *
 * There is no lock in it. What is read may still have been scribbled by a worker: all texts have an
 * end, and whoever shows them looks at every byte.
 */
#ifndef TANDEM_OBITUARY_H
#define TANDEM_OBITUARY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

enum { OBITUARIES = 32 };

struct obituary {
    int64_t time;                  /* ms since 1970 */
    int64_t duration;              /* µs since its handler was called; -1: it was in none */
    int64_t worker;                /* its number; 0: the process of all of them */
    char id[LIMIT_REQUEST_ID + 1]; /* of the request; "": it ran none */
    char method[24];
    char target[128]; /* as it came, cut to fit */
    char cause[64];   /* "SIGSEGV (Segmentation fault)" */
    char phase[40];   /* "in the handler" */
};

enum { OBITUARY_WORDS = sizeof(struct obituary) / sizeof(uint64_t) };
_Static_assert(sizeof(struct obituary) % sizeof(uint64_t) == 0, "copied by words");

struct obituaries {
    _Atomic uint64_t count; /* that were ever begun */
    struct {
        _Atomic uint64_t number; /* 0: being written, or never was */
        _Atomic uint64_t words[OBITUARY_WORDS];
    } entries[OBITUARIES];
};

/* Any process or thread. `time` is set here. */
void obituary_enter(struct obituaries *all, const struct obituary *o);
/* The newest first; returns how many there are. Any process or thread. */
size_t obituaries_read(const struct obituaries *all, struct obituary out[OBITUARIES]);

#endif
