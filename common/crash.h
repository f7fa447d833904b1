/*
 * crash.h — what a worker that dies of a signal writes down with its last breath.
 *
 * The record lies where it outlives its writer (the scoreboard, or a message): the signal by which
 * it dies, the address it could not have, and the calls that led there. It is written by a signal
 * handler in whatever state the process is in, so nothing here allocates, takes a lock or trusts a
 * frame pointer; and it is read by someone who believes none of it.
 *
 *      SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS
 *         └─▶ handler, on a stack of its own ─▶ record ─▶ default action: the death is as it was
 */
#ifndef TANDEM_CRASH_H
#define TANDEM_CRASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRASH_FRAMES = 12, CRASH_NAME = 64 };

struct crash {
    _Atomic int signal;    /* 0: nothing has happened; written last */
    int code;              /* si_code */
    uint64_t address;      /* si_addr: of what could not be read, written or executed */
    bool is_out_of_memory; /* the process could get no more when it died: see --worker-memory */
    uint32_t depth;        /* frames that are known */
    uint64_t frames[CRASH_FRAMES];        /* return addresses, the innermost first */
    char names[CRASH_FRAMES][CRASH_NAME]; /* "libx.so(function+0x1c)", or "server-proc+0x2f3c1" */
};

/* Installs the handlers in this process; children and threads inherit them. Once, before the first
 * worker. Under a sanitizer that has its own, it does so, too. False: errno. */
bool crash_catch(void);
/* From here on a crash of the calling thread is recorded in *record, and then `tell`, when it is
 * not NULL, is called with it (in the signal handler). Gives the thread a stack for signals, which
 * a child that is forked from it inherits. NULL: no record any more. */
bool crash_arm(struct crash *record, void (*tell)(const struct crash *record));
/* Gives the calling thread's signal stack back. Before it ends. */
void crash_disarm(void);
/* Back to "nothing has happened". By whoever owns the record, while its writer does not run. */
void crash_clear(struct crash *record);

enum { CRASH_TEXT = 640 };
/* "at 0x0; server-proc+0x2f3c1 < libc.so.6(abort+0xd3) < …" for the error log, "" when there is no
 * record. Trusts nothing in it: bounded, printable. Returns `out`. */
const char *crash_text(const struct crash *record, char out[CRASH_TEXT]);

#endif
