/*
 * history.c — see history.h.
 */
#include "history.h"

#include <math.h>

static size_t rows_per_step(const struct result *r)
{
    size_t rows = (r->timeline.count + HISTORY_STEPS - 1) / HISTORY_STEPS;
    return rows > 0 ? rows : 1;
}

size_t history_steps(const struct result *r)
{
    size_t rows = rows_per_step(r);
    return (r->timeline.count + rows - 1) / rows;
}

unsigned history_step_seconds(const struct result *r)
{
    return (unsigned)rows_per_step(r) * r->timeline.row_seconds;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct timeline_row history_row(const struct result *r, size_t step)
{
    struct timeline_row sum = {0};
    size_t rows = rows_per_step(r);
    for (size_t i = step * rows; i < (step + 1) * rows && i < r->timeline.count; i++) {
        const struct timeline_row *row = &r->timeline.rows[i];
        sum.ok += row->ok;
        sum.failed += row->failed;
        sum.injected += row->injected;
        sum.tls_full += row->tls_full;
        sum.tls_resumed += row->tls_resumed;
        sum.p50_us = larger(sum.p50_us, row->p50_us);
        sum.p99_us = larger(sum.p99_us, row->p99_us);
        sum.max_us = larger(sum.max_us, row->max_us);
    }
    return sum;
}

static double start_of(const struct result *r, size_t step)
{
    return (double)step * history_step_seconds(r);
}

/* Seconds of a step that lie within the run: the answers that were still awaited when it was over
 * are in rows of their own. */
static double within(const struct result *r, size_t step)
{
    double length = fmin(history_step_seconds(r), r->facts.seconds - start_of(r, step));
    return length > 0 ? length : 0;
}

static double rate(const struct result *r, size_t step, uint64_t count)
{
    double length = within(r, step);
    bool sliver = length < 0.5 * history_step_seconds(r) && step > 0;
    return sliver || length <= 0 ? (double)NAN : (double)count / length;
}

/* What the schedule wanted, on average. */
static double due_rate(const struct result *r, size_t step)
{
    size_t rows = rows_per_step(r), first = step * rows, count = 0;
    double sum = 0;
    for (size_t i = first; i < first + rows && i < r->timeline.count; i++) {
        sum += result_due_rate(r, i);
        count += (double)(i * r->timeline.row_seconds) < r->facts.seconds;
    }
    return count > 0 ? sum / (double)count : (double)NAN;
}

double history_value(const struct result *r, size_t step, enum row_value what)
{
    struct timeline_row row = history_row(r, step);
    if (what == ROW_DUE)
        return due_rate(r, step);
    if (what == ROW_OK)
        return rate(r, step, row.ok);
    if (what == ROW_FAILED)
        return rate(r, step, row.failed);
    if (what == ROW_INJECTED)
        return rate(r, step, row.injected);
    if (row.ok == 0 || within(r, step) <= 0)
        return (double)NAN;
    int64_t us = what == ROW_P50 ? row.p50_us : what == ROW_P99 ? row.p99_us : row.max_us;
    return us > 1 ? (double)us : 1;
}

void history_draw(struct plot *p, struct plot_series *s, const struct result *r, double offset,
                  enum row_value what)
{
    for (size_t i = 0; s && i < history_steps(r); i++) {
        double start = offset + start_of(r, i);
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
    for (size_t i = 0; i < history_steps(r); i++) {
        double start = offset + start_of(r, i);
        if (history_row(r, i).injected > 0 && within(r, i) > 0)
            plot_add_band(p, start, start + within(r, i));
    }
}

void history_range(const struct result *r, enum row_value what, double *least, double *most)
{
    for (size_t i = 0; i < history_steps(r); i++) {
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
