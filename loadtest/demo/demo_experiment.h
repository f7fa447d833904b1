/*
 * demo_experiment.h — what `loadtest demo` does when it is asked for nothing else: each subject
 * steady, and with a share of poisoned requests.
 *
 * Main thread.
 */
#ifndef LOADTEST_DEMO_EXPERIMENT_H
#define LOADTEST_DEMO_EXPERIMENT_H

#include "demo_result.h"
#include "workshop.h"

/* Fills in d->subjects; what could not be measured is told there. */
void demo_experiment(struct demo *d, const struct workshop *w);
/* Whether all six runs were measured, are valid, and agree with what the servers counted. */
bool demo_experiment_complete(const struct demo *d);
void demo_experiment_free(struct demo *d);

#endif
