/*
 * sides.h — subjects side by side on a page: their latency by percentile, and their ledgers.
 *
 * Included by report_html_compare.c and compare_html.c only.
 */
#ifndef LOADTEST_SIDES_H
#define LOADTEST_SIDES_H

#include <stddef.h>
#include <stdio.h>

#include "../engine/hist.h"
#include "../engine/ledger.h"

struct side {
    const char *name;
    const struct hist *latency; /* corrected, of the innocent requests answered well */
    const struct ledger *ledger;
};

/* A diagram with a line for each, and its table; nothing when nobody was answered. At most
 * HTML_SUBJECTS. */
void sides_percentiles(FILE *out, const struct side *sides, size_t count);
/* A column for each, and a row for each outcome that occurred. `label` names the table to who cannot
 * see it. */
void sides_ledgers(FILE *out, const char *label, const struct side *sides, size_t count);

#endif
