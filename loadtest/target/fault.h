/*
 * fault.h — what is done on purpose, how often and when: one --inject.
 *
 * Most kinds are a request that the server does not survive. Those of the table in fault.c are
 * something else: wire faults are done to a connection of their own (mischief.h), and process
 * faults to processes that loadtest started itself, with a signal (process_fault.h).
 */
#ifndef LOADTEST_FAULT_H
#define LOADTEST_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "../complaint.h"

enum { MAX_INJECTIONS = 8, KIND_SIZE = 32 };

/* What a fault is done to: a request is poisoned, a connection is abused, or a process is. */
enum fault_level { FAULT_REQUEST, FAULT_WIRE, FAULT_PROCESS };

/* One --inject: a share of the requests, or once at a moment, or from a moment on every so
 * often. */
struct injection {
    char kind[KIND_SIZE];
    double share;     /* > 0: by share */
    int64_t first_ns; /* by time: after the start of the measured run */
    int64_t every_ns; /* 0: once */
    const char *url;  /* of --inject-url; NULL: /fault/KIND of the server under test; of a wire
                         fault, the first URL under load there */
    enum fault_level level;
    int64_t lasting_ns; /* of kinds that take a time (freeze:6s@2s); else 0 */
};

/* "segv=1%", "segv@5s", "hang@5s/500ms", "freeze:6s@2s". */
bool injection_parse(const char *text, struct injection *injection, struct complaint *why);

/* When something was done whose moment is known: a timed injection, a killed worker. */
struct mark {
    int64_t at_ns; /* after the start of the measured run */
    char kind[KIND_SIZE];
    int64_t back_ns; /* from then until the service was back in band; -1: not seen, or unknown */
};

#endif
