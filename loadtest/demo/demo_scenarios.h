/*
 * demo_scenarios.h — each scenario on each subject.
 *
 * Main thread.
 */
#ifndef LOADTEST_DEMO_SCENARIOS_H
#define LOADTEST_DEMO_SCENARIOS_H

#include "demo_result.h"
#include "workshop.h"

/* A handler that has run for so long is ended: without it, `hang` is a demonstration of patience. */
#define DEMO_REQUEST_TIMEOUT "1s"

/* Fills in the cases of d->scenarios; what could not be measured is told there. */
void demo_scenarios(struct demo *d, const struct workshop *w);
/* Whether all cases were measured, are valid, and agree with what the servers counted. */
bool demo_scenarios_complete(const struct demo *d);
void demo_scenarios_free(struct demo *d);

#endif
