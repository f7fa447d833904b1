/*
 * history.c — see history.h.
 */
#include "history.h"

#include <math.h>

/* Seconds of row `i` that lie within the run: the answers that were still awaited when it was over
 * are in rows of their own. */
static double within(const struct result *r, size_t i)
{
    double start = (double)(i * r->timeline.row_seconds);
    double length = fmin(r->timeline.row_seconds, r->facts.seconds - start);
    return length > 0 ? length : 0;
}

static double rate(const struct result *r, size_t i, uint64_t count)
{
    double length = within(r, i);
    bool sliver = length < 0.5 * r->timeline.row_seconds && i > 0;
    return sliver || length <= 0 ? (double)NAN : (double)count / length;
}

static double latency(const struct result *r, size_t i, int64_t us)
{
    if (r->timeline.rows[i].ok == 0 || within(r, i) <= 0)
        return (double)NAN;
    return us > 1 ? (double)us : 1;
}

double history_value(const struct result *r, size_t i, enum row_value what)
{
    const struct timeline_row *row = &r->timeline.rows[i];
    switch (what) {
    case ROW_OK:
        return rate(r, i, row->ok);
    case ROW_FAILED:
        return rate(r, i, row->failed);
    case ROW_INJECTED:
        return rate(r, i, row->injected);
    case ROW_P50:
        return latency(r, i, row->p50_us);
    case ROW_P99:
        return latency(r, i, row->p99_us);
    default:
        return latency(r, i, row->max_us);
    }
}

void history_draw(struct plot *p, struct plot_series *s, const struct result *r, double offset,
                  enum row_value what)
{
    for (size_t i = 0; s && i < r->timeline.count; i++) {
        double start = offset + (double)(i * r->timeline.row_seconds);
        double value = history_value(r, i, what);
        plot_add_point(p, s, start, value);
        if (isfinite(value))
            plot_add_point(p, s, start + within(r, i), value);
    }
}

void history_faults(struct plot *p, const struct result *r, double offset)
{
    size_t marks = r->mark_count < MAX_MARKS ? r->mark_count : MAX_MARKS;
    for (size_t i = 0; i < marks; i++)
        plot_add_mark(p, offset + (double)r->marks[i].at_ns / 1e9, r->marks[i].kind, PLOT_FAULT);
    for (size_t i = 0; i < r->timeline.count; i++) {
        double start = offset + (double)(i * r->timeline.row_seconds);
        if (r->timeline.rows[i].injected > 0 && within(r, i) > 0)
            plot_add_band(p, start, start + within(r, i));
    }
}

void history_range(const struct result *r, enum row_value what, double *least, double *most)
{
    for (size_t i = 0; i < r->timeline.count; i++) {
        double value = history_value(r, i, what);
        *least = fmin(*least, value); /* of a number and none, both return the number */
        *most = fmax(*most, value);
    }
}

void history_percentiles(struct plot *p, struct plot_series *s, const struct hist *h)
{
    const int per_decade = 24;
    for (int i = 0; s && h->total > 0; i++) {
        double x = fmin(pow(10, (double)i / per_decade), (double)h->total);
        int64_t us = hist_quantile_us(h, x < (double)h->total ? 1 - 1 / x : 1);
        plot_add_point(p, s, x, us > 1 ? (double)us : 1);
        if (x >= (double)h->total)
            return;
    }
}
