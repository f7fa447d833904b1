/*
 * plot.h — a diagram as SVG that can stand inside a page: drawn by gnuplot, dressed by the page.
 *
 * gnuplot gets numbers only. Each text that comes from outside is a placeholder until the drawing
 * is back, so that nothing can be slipped into its language, which knows system(). The drawing has
 * no colours and no fonts of its own: they are CSS variables (--plot-…), so it is dark where the
 * page is dark.
 *
 * A plot belongs to one thread; plot_draw() starts a process and waits for it.
 */
#ifndef LOADTEST_PLOT_H
#define LOADTEST_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../complaint.h"
#include "axis.h"

/* What has a colour: --plot-ink, --plot-axis … in page.css. */
enum plot_colour {
    PLOT_INK,  /* numbers at the axes */
    PLOT_AXIS, /* the axes themselves */
    PLOT_GRID,
    PLOT_FAULT,  /* what was done on purpose */
    PLOT_FAIL,   /* what failed */
    PLOT_SERIES, /* and further ones up to PLOT_SERIES + PLOT_SERIES_COLOURS - 1 */
    PLOT_SERIES_COLOURS = 8,
    PLOT_COLOURS = PLOT_SERIES + PLOT_SERIES_COLOURS
};

/* "ink", "s1": the name of the CSS variable without "--plot-". */
const char *plot_colour_name(unsigned colour);

struct plot_point {
    double x, y; /* y not a number: the line is interrupted here; between two of them a point is
                    drawn as a dot */
};

struct plot_series {
    const char *name; /* for the legend; not owned */
    unsigned colour;
    bool filled; /* down to the x axis, faintly */
    bool dashed;
    bool thin;                 /* for what is only there to be compared with */
    struct plot_point *points; /* owned by the plot */
    size_t count, room;
};

enum { PLOT_SERIES_MAX = 12, PLOT_MARKS = 512, PLOT_BANDS = 2048 };

struct plot {
    const char *title; /* for those who cannot see it; not owned */
    struct axis x, y;
    struct plot_series series[PLOT_SERIES_MAX];
    size_t series_count;
    struct {
        double at;
        const char *label; /* not owned */
        unsigned colour;
    } marks[PLOT_MARKS]; /* lines from top to bottom */
    size_t mark_count;
    struct {
        double from, to;
    } bands[PLOT_BANDS]; /* shaded stretches of x; in its order, none touches the next */
    size_t band_count;
    bool broken; /* memory ran out: it will not be drawn */
};

struct plot_size {
    unsigned width, height; /* in px, which is also in what the text's 12 px are meant */
    const char *class;      /* of the <svg> element */
};

void plot_init(struct plot *p, const char *title);
/* NULL when there are PLOT_SERIES_MAX already. */
struct plot_series *plot_add_series(struct plot *p, const char *name, unsigned colour);
void plot_add_point(struct plot *p, struct plot_series *s, double x, double y);
/* A mark and a band; those beyond the maximum are left out. A label is written unless it would run
 * into that of the mark before. Bands that touch become one. */
void plot_add_mark(struct plot *p, double at, const char *label, unsigned colour);
void plot_add_band(struct plot *p, double from, double to);
void plot_free(struct plot *p);

/* Draws it to `out`. False, with nothing written, when there is no gnuplot or it failed. */
bool plot_draw(const struct plot *p, const struct plot_size *size, FILE *out,
               struct complaint *why);

#endif
