/*
 * buf.c — growth by doubling, up to the limit the buffer was born with.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 1024 };

void buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->limit);
}

void buf_reset(struct buf *b, size_t keep)
{
    if (b->cap > keep)
        buf_free(b);
    b->len = 0;
    b->failed = false;
}

static bool grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST_SIZE;
    while (cap < need)
        cap *= 2;
    if (cap > b->limit)
        cap = b->limit;
    char *data = realloc(b->data, cap);
    if (!data)
        return false;
    b->data = data;
    b->cap = cap;
    return true;
}

char *buf_room(struct buf *b, size_t n)
{
    if (b->failed || n > b->limit - b->len) {
        b->failed = true;
        return NULL;
    }
    if (n > b->cap - b->len && !grow(b, b->len + n)) {
        b->failed = true;
        return NULL;
    }
    return b->data + b->len;
}

bool buf_add(struct buf *b, const void *data, size_t n)
{
    if (n == 0)
        return !b->failed;
    char *room = buf_room(b, n);
    if (!room)
        return false;
    memcpy(room, data, n);
    b->len += n;
    return true;
}

bool buf_text(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

bool buf_printf(struct buf *b, const char *format, ...)
{
    char line[2048];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof line) {
        b->failed = true;
        return false;
    }
    return buf_add(b, line, (size_t)n);
}

bool buf_json(struct buf *b, const char *text, size_t n)
{
    size_t plain = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)text[i];
        if (ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\')
            continue;
        buf_add(b, text + plain, i - plain);
        if (ch == '"' || ch == '\\')
            buf_printf(b, "\\%c", ch);
        else
            buf_printf(b, "\\u%04x", ch);
        plain = i + 1;
    }
    return buf_add(b, text + plain, n - plain);
}

static const char *html_entity(unsigned char ch)
{
    switch (ch) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return ch < 0x20 || ch == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

bool buf_html(struct buf *b, const char *text, size_t n)
{
    size_t plain = 0;
    for (size_t i = 0; i < n; i++) {
        const char *entity = html_entity((unsigned char)text[i]);
        if (!entity)
            continue;
        buf_add(b, text + plain, i - plain);
        buf_text(b, entity);
        plain = i + 1;
    }
    return buf_add(b, text + plain, n - plain);
}
