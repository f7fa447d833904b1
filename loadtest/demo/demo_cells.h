/*
 * demo_cells.h — the figures of a subject in a scenario as short texts, for a terminal and for a
 * page.
 *
 * Pure functions of their arguments.
 */
#ifndef LOADTEST_DEMO_CELLS_H
#define LOADTEST_DEMO_CELLS_H

#include "../units.h"
#include "demo_result.h"

enum { DEMO_CELLS = 10 };

struct demo_column {
    const char *name;
    int width;           /* on a terminal */
    const char *meaning; /* in one sentence, without its full stop */
};

extern const struct demo_column demo_columns[DEMO_CELLS];

/* In the order of the columns; of a case that is done. */
void demo_cells(const struct demo_scenario *s, const struct demo_case *c,
                char out[DEMO_CELLS][SHORT_TEXT]);
/* What the scenario puts on a server: "64 connections, closed loop, 4 s; 1 % segv". */
void demo_load_text(const struct demo_scenario *s, char *text, size_t room);
/* How many things were done on purpose. */
uint64_t demo_faults_done(const struct demo_scenario *s, const struct result *r);

#endif
