/*
 * demo_measure.h — one measured run of a subject: the result, and what it cost the server.
 *
 * Main thread.
 */
#ifndef LOADTEST_DEMO_MEASURE_H
#define LOADTEST_DEMO_MEASURE_H

#include "../options.h"
#include "../server/subject.h"
#include "demo_result.h"

/* Does it, with the server's CPU time read before and after: by itself, or from /proc where it does
 * not tell. False: there is nothing in `run`, and one line in `why`. */
bool demo_measure(const struct run_options *o, const char *label, const struct subject *server,
                  struct demo_run *run, struct complaint *why);
/* Lets a steady run measure itself by its own p99: what it has of slow requests, a run under fault
 * may have as well without being blamed. */
void demo_yardstick(struct result *steady, struct steady *yardstick);

#endif
