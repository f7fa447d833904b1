/*
 * panel.c — the escape sequences are those of ECMA-48 that every terminal knows: cursor up (CUU),
 * erase below (ED), colours (SGR).
 */
#include "panel.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const styles[] = {[PANEL_PLAIN] = "",
                                     [PANEL_BOLD] = "\033[1m",
                                     [PANEL_FAINT] = "\033[2m",
                                     [PANEL_ACCENT] = "\033[33m",
                                     [PANEL_ALARM] = "\033[31m"};

void panel_init(struct panel *p, struct terminal t)
{
    memset(p, 0, sizeof *p);
    p->terminal = t;
}

static void append(struct panel *p, const char *bytes, size_t length)
{
    if (p->used + length > sizeof p->text)
        return;
    memcpy(p->text + p->used, bytes, length);
    p->used += length;
}

/* Back to where the old panel begins, and nothing below. When the window has become narrower than
 * one of its lines, terminals differ in where that is now: it is left alone then, and the new one
 * comes below it, which spoils nothing. */
static void go_back(struct panel *p)
{
    char sequence[32];
    unsigned up = p->widest < terminal_columns(&p->terminal) ? p->lines : 0;
    int length = up > 0 ? snprintf(sequence, sizeof sequence, "\r\033[%uA\033[J", up)
                        : snprintf(sequence, sizeof sequence, "\r\033[J");
    append(p, sequence, (size_t)length);
}

static void send(struct panel *p)
{
    size_t sent = 0;
    while (sent < p->used) {
        ssize_t n = write(p->terminal.fd, p->text + sent, p->used - sent);
        if (n <= 0)
            break; /* it is only a show */
        sent += (size_t)n;
    }
    p->used = 0;
}

void panel_begin(struct panel *p)
{
    p->used = 0;
    p->line = p->column = p->wide = 0;
    p->columns = terminal_columns(&p->terminal);
    p->rows = terminal_rows(&p->terminal);
    go_back(p);
}

/* One line stays free for the cursor. */
static bool has_row(const struct panel *p)
{
    return p->line < PANEL_LINES && p->line + 1 < p->rows;
}

unsigned panel_room(const struct panel *p)
{
    return p->column + 1 < p->columns ? p->columns - 1 - p->column : 0;
}

void panel_add(struct panel *p, enum panel_style style, const char *text)
{
    bool styled = p->terminal.colour && style != PANEL_PLAIN;
    const size_t reserve = 32; /* for a style, its end, and the end of the line */
    if (!has_row(p) || panel_room(p) == 0 || p->used + 2 * reserve >= sizeof p->text)
        return;
    if (styled)
        append(p, styles[style], strlen(styles[style]));
    while (*text && p->used + reserve < sizeof p->text) {
        bool continues = ((unsigned char)*text & 0xc0) == 0x80;
        if (!continues && panel_room(p) == 0)
            break;
        append(p, text++, 1);
        p->column += !continues;
    }
    if (styled)
        append(p, "\033[0m", 4);
}

void panel_line(struct panel *p)
{
    if (!has_row(p))
        return;
    append(p, "\n", 1);
    p->line++;
    p->wide = p->column > p->wide ? p->column : p->wide;
    p->column = 0;
}

void panel_show(struct panel *p)
{
    send(p);
    p->lines = p->line;
    p->widest = p->wide;
}

void panel_wipe(struct panel *p)
{
    if (p->lines == 0)
        return;
    p->used = 0;
    go_back(p);
    send(p);
    p->lines = p->widest = 0;
}
