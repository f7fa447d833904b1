/*
 * panel.h — a few lines of text that are replaced in place on a terminal.
 *
 * A panel is built in memory and sent with one write(). Between two writes the terminal is as it
 * was found: cursor visible and at the start of the line below the panel, no colour on. So there
 * is nothing to restore, and no end of the program, not even SIGKILL, leaves it otherwise.
 *
 * Called by the main thread only.
 */
#ifndef LOADTEST_PANEL_H
#define LOADTEST_PANEL_H

#include <stdbool.h>
#include <stddef.h>

#include "terminal.h"

enum { PANEL_BYTES = 4096, PANEL_LINES = 8 };

enum panel_style { PANEL_PLAIN, PANEL_BOLD, PANEL_FAINT, PANEL_ACCENT, PANEL_ALARM };

struct panel {
    struct terminal terminal;
    /* What is on the screen. */
    unsigned lines, widest;
    /* What is being built. */
    char text[PANEL_BYTES];
    size_t used;
    unsigned columns, rows; /* of the terminal, when it was begun */
    unsigned column, line, wide;
};

void panel_init(struct panel *p, struct terminal t);
/* Starts anew, with the size the terminal has now. */
void panel_begin(struct panel *p);
/* Adds text to the current line (UTF-8, each character one column wide); what goes beyond the
 * terminal's edge is cut off. */
void panel_add(struct panel *p, enum panel_style style, const char *text);
/* Ends the line; further lines than the terminal has room for are dropped. */
void panel_line(struct panel *p);
/* How many columns are left in the current line. */
unsigned panel_room(const struct panel *p);
/* Replaces what is on the screen by what was built. */
void panel_show(struct panel *p);
/* Takes the panel off the screen. */
void panel_wipe(struct panel *p);

#endif
