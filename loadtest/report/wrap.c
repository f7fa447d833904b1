/*
 * wrap.c — see wrap.h.
 */
#include "wrap.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum { COLUMNS = 80 };

/* Columns of the first `length` bytes: those that continue a UTF-8 character take none. */
static int width_of(const char *text, size_t length)
{
    int width = 0;
    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

int wrap_width(const char *text)
{
    return width_of(text, strlen(text));
}

void wrap(FILE *out, const char *text, int column, int indent)
{
    bool first = true;
    while (*text) {
        size_t length = strcspn(text, " ");
        int width = width_of(text, length);
        if (!first && column + 1 + width > COLUMNS) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, length, out);
        column += width;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void paragraph(FILE *out, const char *format, ...)
{
    char text[PARAGRAPH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fputs("  ", out);
    wrap(out, text, 2, 4);
}
