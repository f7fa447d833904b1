/*
 * demo_plan.h — which scenarios the demonstration runs, read and fitted to it before anything starts.
 *
 * A scenario names no server: its URLs are paths on whichever server it is run against (`url /echo`),
 * /one.txt when it has none. Its run lasts as long as the file says, but no longer than --duration;
 * a plan of stages that takes longer is made shorter as a whole, so that its shape stays. What has a
 * moment keeps it. Main thread.
 */
#ifndef LOADTEST_DEMO_PLAN_H
#define LOADTEST_DEMO_PLAN_H

#include "demo_result.h"

/* Reads all that d->options names into d->scenarios; nothing, when it names none. False: one line in
 * `why`. To be freed with demo_scenarios_free() after success and failure. */
bool demo_plan(struct demo *d, struct complaint *why);
/* The run without what it does on purpose: what the scenario is measured by. */
struct run_options demo_plan_steady(const struct run_options *o);

#endif
