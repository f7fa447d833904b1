/*
 * intake.h — from bytes on a socket to one whole request, head and body.
 *
 * A worker is never held by a slow client: what has arrived so far waits in the connection's slot
 * (head and small bodies) or in a descriptor (large bodies), and the worker goes on.
 *
 *      nothing ──▶ part of a head ──▶ whole head ──▶ part of a body ──▶ whole request
 *      (WAIT_REQUEST)  (WAIT_HEADER)      │           (WAIT_BODY)            ▲
 *                                         └── no body, or all of it came ────┘
 *
 * For the owner of the connection. Bytes leave the socket only in phase READ; before the request is
 * run, what follows it lies in the stash, where the next owner finds it; and of itself, nothing is
 * left there, for all workers can read it.
 */
#ifndef TANDEM_INTAKE_H
#define TANDEM_INTAKE_H

#include "worker.h"

enum intake_result {
    INTAKE_WHOLE,   /* w->request is ready to run */
    INTAKE_WAIT,    /* all that came is kept; the deadline is set */
    INTAKE_YIELD,   /* the same, and there is more on the socket */
    INTAKE_ENDED,   /* the client has ended, with or without half a request */
    INTAKE_REFUSED, /* *status tells why */
    INTAKE_TAKEN    /* the connection is not ours any more */
};

enum intake_result intake_request(struct worker *w, struct conn *c, int *status);

#endif
