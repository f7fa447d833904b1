/*
 * wrap.h — texts for a terminal: lines of 80 columns at most, broken between words.
 *
 * Write errors stay in `out`. Any thread, one at a time for one `out`.
 */
#ifndef LOADTEST_WRAP_H
#define LOADTEST_WRAP_H

#include <stdio.h>

enum { PARAGRAPH_MAX = 1024 }; /* bytes; what is longer is cut off */

/* Columns that a UTF-8 text takes. */
int wrap_width(const char *text);
/* Writes words from column `column` on; lines that follow begin at `indent`. Ends the line. */
void wrap(FILE *out, const char *text, int column, int indent);
/* A paragraph of its own, indented by two; further lines by four. */
void paragraph(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
