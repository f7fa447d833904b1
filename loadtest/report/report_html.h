/*
 * report_html.h — the result as a page: one file that needs nothing else.
 *
 * No script, no font, no request to anywhere (its own Content-Security-Policy forbids them); light
 * and dark as the reader's system is; from 320 px wide to paper. Diagrams come from gnuplot; where
 * that is missing, their numbers stand alone, in tables that are there in any case.
 *
 * Called by the main thread after all runs are over. Write errors stay in `out` (ferror).
 */
#ifndef LOADTEST_REPORT_HTML_H
#define LOADTEST_REPORT_HTML_H

#include <stddef.h>
#include <stdio.h>

#include "../expect.h"
#include "../result.h"

/* One run. `target` is what was put under load, for the heading: a URL. */
void report_html(FILE *out, const struct result *r, const char *target,
                 const struct expectation *expectations, size_t expectation_count);

enum { HTML_SUBJECTS = 8 }; /* as many as there are colours */

/* One run of a subject, and what kind of run it was. */
struct html_run {
    const char *phase; /* "steady", "1% segv"; the same text for runs of one kind; never NULL */
    const struct result *result; /* NULL: not measured */
};

/* What is compared with others. Its runs are drawn one after another on the common time axis; run
 * number i of each subject stands at the same place. */
struct html_subject {
    const char *name;
    const char *trouble; /* why runs are missing; NULL or "": none is */
    const struct html_run *runs;
    size_t run_count;
};

/* A table of the caller's own: `columns` cells for each of `row_count` rows, row by row. The first
 * column holds words, the others numbers. */
struct html_grid {
    const char *heading;
    const char *explanation; /* stands below it; NULL: none */
    const char *const *heads;
    size_t columns;
    const char *const *cells;
    size_t row_count;
};

struct html_comparison {
    const char *title, *subtitle;
    const char *findings; /* words as on a terminal: a line without indent is a heading, one that is
                             indented by less than four spaces and begins with a capital starts a
                             paragraph, others go on; NULL: none */
    const struct html_subject *subjects;
    size_t subject_count;          /* up to HTML_SUBJECTS */
    const struct html_grid *grids; /* shown after the findings */
    size_t grid_count;
};

/* Several comparisons of the same subjects, on one page. */
struct html_collection {
    const char *title, *subtitle;
    const char *legend; /* what the columns of all their tables say */
    const struct html_comparison *parts;
    size_t part_count;
};

/* There must be at least one run with a result in one of the parts. */
void report_html_collection(FILE *out, const struct html_collection *c);
/* Several subjects side by side. There must be at least one run with a result. */
void report_html_compare(FILE *out, const struct html_comparison *c);

#endif
