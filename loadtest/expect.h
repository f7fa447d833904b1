/*
 * expect.h — --expect 'p99 < 20ms': a statement about the result that holds or does not.
 *
 *   NAME OP VALUE     OP: < <= > >= == !=
 *
 * Names: victims failed ok injected scheduled unfinished never_sent rps without_service recovery
 * goodput_lost handshakes resumed handshakes_per_second p50 p90 p99 p999 max, the last five also as
 * raw_p50 …, and every failure class. Latencies and times take a duration; `ok` and `failed` with a
 * per cent sign are shares of the innocent requests, and `resumed` is one of the TLS handshakes.
 */
#ifndef LOADTEST_EXPECT_H
#define LOADTEST_EXPECT_H

#include <stdbool.h>

#include "complaint.h"
#include "result.h"
#include "units.h"

struct expectation {
    const char *text; /* as given; not owned */
    char name[24];
    enum { LESS, AT_MOST, MORE, AT_LEAST, EQUAL, UNEQUAL } relation;
    double value; /* µs for latencies, seconds for other times, otherwise a number */
    bool percent;
};

bool expectation_parse(const char *text, struct expectation *e, struct complaint *why);
/* Whether it holds; *measured is what was found, in the unit of `value`. */
bool expectation_holds(const struct expectation *e, const struct result *r, double *measured);
/* What was found, with its unit: "9.72 ms", "99.9 %", "17". Returns `out`. */
const char *expectation_format(const struct expectation *e, double measured, char out[SHORT_TEXT]);

#endif
