/*
 * history.h — the timeline as diagrams: what happened in each second, and what was done meanwhile.
 *
 * Included by report_html*.c only.
 */
#ifndef LOADTEST_HISTORY_H
#define LOADTEST_HISTORY_H

#include "../result.h"
#include "plot.h"

enum { HISTORY_STEPS = 600 }; /* a diagram has no more pixels, and nobody reads more lines */

/* A page shows a timeline in steps: a row each, or several in a run of more than HISTORY_STEPS rows.
 * Then counts are sums, and latencies those of the worst row. */
size_t history_steps(const struct result *r);
unsigned history_step_seconds(const struct result *r);
struct timeline_row history_row(const struct result *r, size_t step);

/* What a step says, per second where it is a count. */
enum row_value { ROW_DUE, ROW_OK, ROW_FAILED, ROW_INJECTED, ROW_P50, ROW_P99, ROW_MAX };

/* That value; not a number when there is none: no latency without a success, and no rate from the
 * sliver of a step that lies within the run, if that is less than half of it. */
double history_value(const struct result *r, size_t step, enum row_value what);
/* Adds a run to a series, `offset` seconds to the right: a horizontal line for each step. */
void history_draw(struct plot *p, struct plot_series *s, const struct result *r, double offset,
                  enum row_value what);
/* Adds the run's marks, and a band for each stretch in which faults were injected. */
void history_faults(struct plot *p, const struct result *r, double offset);
/* Widens least … most to what a run's steps have of one value. Start with NAN. */
void history_range(const struct result *r, enum row_value what, double *least, double *most);
/* Adds a histogram by percentile: x is 1 / (1 - share), as in HdrHistogram's plots. */
void history_percentiles(struct plot *p, struct plot_series *s, const struct hist *h);

#endif
