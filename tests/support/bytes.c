/*
 * Bytes that grow.  This file knows nothing of HTTP and never fails softly: a test that is out of
 * memory has nothing left to say.
 */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_room(struct bytes *b, size_t length)
{
    size_t wanted = b->length + length + 1;

    if (wanted <= b->room)
        return;
    b->room = wanted < 256 ? 256 : wanted + wanted / 2;
    b->at = realloc(b->at, b->room);
    if (b->at == NULL) {
        perror("tests: out of memory");
        abort();
    }
}

void bytes_add(struct bytes *b, const void *from, size_t length)
{
    make_room(b, length);
    if (length > 0)
        memcpy(b->at + b->length, from, length);
    b->length += length;
    b->at[b->length] = '\0';
}

void bytes_add_text(struct bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

void bytes_addf(struct bytes *b, const char *format, ...)
{
    va_list list;
    int length;

    va_start(list, format);
    length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (length < 0)
        abort();
    make_room(b, (size_t)length);
    va_start(list, format);
    vsnprintf(b->at + b->length, (size_t)length + 1, format, list);
    va_end(list);
    b->length += (size_t)length;
}

void bytes_drop(struct bytes *b, size_t length)
{
    if (length == 0)
        return;
    b->length -= length;
    memmove(b->at, b->at + length, b->length + 1);
}

void bytes_clear(struct bytes *b)
{
    b->length = 0;
    bytes_add(b, "", 0);
}

void bytes_free(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){0};
}

struct bytes bytes_of_file(const char *path)
{
    struct bytes content = {0};
    char piece[4096];
    size_t length;
    FILE *file = fopen(path, "re");

    bytes_add(&content, "", 0);
    if (file == NULL)
        return content;
    while ((length = fread(piece, 1, sizeof(piece), file)) > 0)
        bytes_add(&content, piece, length);
    fclose(file);
    return content;
}
