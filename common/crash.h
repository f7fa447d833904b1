/*
 * crash.h — what a worker that dies of a signal writes down with its last breath.
 *
 * The record lies where it outlives its writer (the scoreboard, or a message): the signal by which
 * it dies, the address it could not have, and the calls that led there. It is written by a signal
 * handler in whatever state the process is in, so nothing here allocates or trusts a frame pointer;
 * and it is read by someone who believes none of it.
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

/* What comes after `signal` may have been cut off by a second crash: `depth` tells how far the
 * frames are right; a name may be missing. Zeroed memory: nothing has happened. */
struct crash {
    int code;               /* si_code */
    uint64_t address;       /* of what could not be read, written or executed; 0: not known */
    _Atomic int signal;     /* 0: nothing has happened; else all above and frames[0] are there */
    _Atomic uint32_t depth; /* frames that are known */
    bool is_out_of_memory;  /* the process could get no more when it died: see --worker-memory */
    uint64_t frames[CRASH_FRAMES]; /* where it was, then return addresses, the innermost first */
    char names[CRASH_FRAMES][CRASH_NAME]; /* "libx.so(function+0x1c)", or "server-proc+0x2f3c1":
                                             what addr2line -e takes; "": in no file */
};

/* Installs the handlers in this process; children and threads inherit them. Gives the calling
 * thread a stack for signals, which a child that is forked from it inherits. Once, before the first
 * worker and after the modules have been loaded: code that comes later is not recognised on the
 * way from frame to frame. Under a sanitizer that has its own handlers, it takes their place.
 * False: errno. */
bool crash_catch(void);
/* From here on a crash of the calling thread is recorded in *record, and then `tell`, when it is
 * not NULL, is called with it (in the signal handler, with some 16 KiB of stack; if it crashes, the
 * process dies of that). Gives the thread a stack for signals when it has none: two system calls
 * and a mapping; otherwise it costs nothing. NULL: no record any more. False: errno. */
bool crash_arm(struct crash *record, void (*tell)(const struct crash *record));
/* Gives the calling thread's signal stack back. Before it ends. */
void crash_disarm(void);
/* Back to "nothing has happened". By whoever owns the record, while its writer does not run. */
void crash_clear(struct crash *record);

enum { CRASH_TEXT = 640 };
/* "at 0x0; server-proc+0x2f3c1 < libc.so.6(abort+0xd3) < ..." for the error log, "" when there is
 * no record, or `record` is NULL. Trusts nothing in it: bounded, printable. Returns `out`. */
const char *crash_text(const struct crash *record, char out[CRASH_TEXT]);

#endif
