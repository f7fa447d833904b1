/*
 * progress.h — one line a second on stderr while a run lasts; rewritten in place on a terminal.
 *
 * Called by the main thread only.
 */
#ifndef LOADTEST_PROGRESS_H
#define LOADTEST_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "timeline.h"

struct progress {
    bool on;
    bool terminal;
    bool dirty; /* the terminal's line holds something */
    const char *label;
};

/* `label` is put in front of each line (the subject of a demo); NULL for none. */
void progress_init(struct progress *p, bool on, const char *label);
/* Shows a phase before anything is measured: "warming up". */
void progress_phase(struct progress *p, const char *text);
/* Shows second number `index`, which is over. */
void progress_second(struct progress *p, struct timeline *t, int64_t index);
/* Wipes the line, so that a report can follow. */
void progress_end(struct progress *p);

#endif
