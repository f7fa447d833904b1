/*
 * cell.c — see cell.h.
 */
#include "cell.h"

void cell(FILE *out, int width, const char *text)
{
    int silent = 0; /* bytes that continue a character take no column */
    for (const char *c = text; *c; c++)
        silent += ((unsigned char)*c & 0xc0) == 0x80;
    fprintf(out, "%*s", width < 0 ? width - silent : width + silent, text);
}
