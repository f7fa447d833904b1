/*
 * ledger.h — double-entry bookkeeping for requests: each one scheduled ends in exactly one column.
 *
 *   scheduled = ok + refused + … + deadline + unfinished + never sent
 *
 * A load tool that loses count of the requests that failed shows the latencies of the survivors
 * only. So every run is checked against this sum, for the innocent and the injected requests
 * apart, and a run that does not balance is invalid. Owned by one thread until merged.
 */
#ifndef LOADTEST_LEDGER_H
#define LOADTEST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

/* How a request ended. Everything but OUTCOME_OK is a failure class. */
enum outcome {
    OUTCOME_OK,              /* a whole answer with status 2xx or 3xx */
    OUTCOME_REFUSED,         /* nobody listens */
    OUTCOME_CONNECT_TIMEOUT, /* no connection within --timeout */
    OUTCOME_CONNECT_ERROR,   /* no connection for another reason (no route, …) */
    OUTCOME_TLS,             /* handshake or certificate failed, or what came was not TLS */
    OUTCOME_RESET,           /* RST before the first byte of the answer */
    OUTCOME_CLOSED,          /* FIN before the first byte of the answer */
    OUTCOME_TRUNCATED,       /* the connection ended inside the answer */
    OUTCOME_MALFORMED,       /* not HTTP, or a status nobody asked for */
    OUTCOME_SURPLUS,         /* a whole answer, then more bytes than were asked for */
    OUTCOME_STATUS_4XX,
    OUTCOME_STATUS_5XX,
    OUTCOME_DEADLINE,  /* no whole answer within --timeout of sending */
    OUTCOME_ABANDONED, /* a wire fault: we broke it off ourselves, as the fault demands */
    OUTCOME_LOCAL,     /* this machine could not try: descriptors, ports or memory ran out here */
    OUTCOMES
};

/* Whose request it was. */
enum party { INNOCENT, INJECTED, PARTIES };

struct ledger {
    uint64_t scheduled;        /* by the pacer: all that should have been sent */
    uint64_t started[PARTIES]; /* handed to a connection */
    uint64_t ended[PARTIES][OUTCOMES];
    uint64_t unfinished[PARTIES]; /* still without an answer when the run was over */
    uint64_t never_sent;          /* due, but no connection was free for them in time */
    uint64_t crowded_out;         /* of these: wire faults, when too many were under way already */
};

/* What became of the injected requests, beside their columns in the ledger. All but the first
 * concern those that are requests; a wire fault has no connection that could be kept. */
struct injected_fate {
    uint64_t wire;         /* of those started: wire faults */
    uint64_t answered_500; /* the server answered for the handler that died */
    uint64_t answered_503;
    uint64_t answered_504;
    uint64_t answered_other_5xx;
    uint64_t answered_5xx_kept; /* … and the connection was of use afterwards: it brought another
                                   answer, or was still open when the run ended */
    uint64_t connection_kept;   /* the same, for an answer of any status */
    uint64_t connection_lost;   /* no answer, or the connection was closed after it */
};

/* "refused", "status_5xx": as in JSON and in --expect. */
const char *outcome_name(enum outcome o);
/* A few plain words on what the class means. */
const char *outcome_meaning(enum outcome o);
/* The outcome called `name`, or OUTCOMES when there is none. */
enum outcome outcome_by_name(const char *name);

/* What a status (100 … 999) makes of a whole answer, and errno of an attempt to connect. */
enum outcome outcome_of_status(int status);
enum outcome outcome_of_connect_error(int error);

void ledger_merge(struct ledger *into, const struct ledger *from);
void injected_fate_merge(struct injected_fate *into, const struct injected_fate *from);
/* All failures of one party. */
uint64_t ledger_failed(const struct ledger *l, enum party who);
/* Failures of one class, both parties. */
uint64_t ledger_class(const struct ledger *l, enum outcome o);
/* Requests that brought a whole answer, of whatever status. */
uint64_t ledger_answered(const struct ledger *l);
/* The share of the innocent requests that was answered well, of those that ended; 0 when none
 * has. */
double ledger_success(const struct ledger *l);
/* Whether every request scheduled is in exactly one column. */
bool ledger_balances(const struct ledger *l);

#endif
