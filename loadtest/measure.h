/*
 * measure.h — one measured run: a target, an engine, faults beside it, and what came out.
 *
 * The one place that knows target, engine, faults and result; who asks for a run (run, demo,
 * compare) knows options and results only. Main thread.
 */
#ifndef LOADTEST_MEASURE_H
#define LOADTEST_MEASURE_H

#include <stdbool.h>

#include "complaint.h"
#include "options.h"
#include "result.h"

/* Does one run and fills in `result` (free it with result_free()). `label` goes in front of
 * progress lines, NULL for none. False: nothing was run, and `why` says why. */
bool run_measure(const struct run_options *o, const char *label, struct result *result,
                 struct complaint *why);

#endif
