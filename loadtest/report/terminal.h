/*
 * terminal.h — what the terminal at a descriptor can show.
 *
 * Called by the main thread only.
 */
#ifndef LOADTEST_TERMINAL_H
#define LOADTEST_TERMINAL_H

#include <stdbool.h>

struct terminal {
    int fd;
    bool live;   /* a terminal that can move its cursor: TERM is set, and is not "dumb" */
    bool colour; /* live, and NO_COLOR is not set (no-color.org) */
    bool utf8;   /* what the locale of the environment is written in */
};

struct terminal terminal_at(int fd);
/* Its size now, which changes when a window is resized: COLUMNS and LINES of the environment where
 * they are set, else what the terminal says, else 80 × 24. */
unsigned terminal_columns(const struct terminal *t);
unsigned terminal_rows(const struct terminal *t);

#endif
