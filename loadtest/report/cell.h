/*
 * cell.h — a cell of a table, for texts in which a character may have several bytes (µ, …).
 */
#ifndef LOADTEST_CELL_H
#define LOADTEST_CELL_H

#include <stdio.h>

/* Writes `text` (UTF-8) to the right of `width` columns; to the left when `width` is negative. */
void cell(FILE *out, int width, const char *text);

#endif
