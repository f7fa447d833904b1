/*
 * html.c — see html.h.
 */
#include "html.h"

#include <stdarg.h>
#include <string.h>

#include "../units.h"

enum { FORMATTED_MAX = 1024 };

/* The length of the UTF-8 character at `s`, as RFC 3629 §4 allows it; 0: there is none. */
static size_t character(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte, and of the second */
        size_t length;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                 {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last)
            continue;
        if (s[1] < forms[i].low || s[1] > forms[i].high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (s[k] < 0x80 || s[k] > 0xbf) /* the text's end, too, is no such byte */
                return 0;
        return forms[i].length;
    }
    return 0;
}

static const char *reference(unsigned char ch)
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
        return (ch < 0x20 && ch != '\n' && ch != '\t') || ch == 0x7f ? "&#xfffd;" : NULL;
    }
}

void html_text(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        if (*s < 0x80) {
            const char *instead = reference(*s);
            if (instead)
                fputs(instead, out);
            else
                fputc(*s, out);
            s++;
            continue;
        }
        size_t length = character(s);
        if (length > 0)
            fwrite(s, 1, length, out);
        else
            fputs("&#xfffd;", out);
        s += length > 0 ? length : 1;
    }
}

void html_element(FILE *out, const char *tag, const char *class, const char *text)
{
    if (class)
        fprintf(out, "<%s class=\"%s\">", tag, class);
    else
        fprintf(out, "<%s>", tag);
    html_text(out, text);
    fprintf(out, "</%s>\n", tag);
}

void html_elementf(FILE *out, const char *tag, const char *class, const char *format, ...)
{
    char text[FORMATTED_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    html_element(out, tag, class, text);
}

void html_table_open(struct html_table *t, FILE *out, const char *label,
                     const struct html_column *columns, size_t count)
{
    *t = (struct html_table){.out = out, .columns = columns, .count = count};
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", out);
    html_text(out, label);
    fputs("\"><table>\n<thead><tr>", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "<th scope=\"col\"%s>", columns[i].number ? " class=\"n\"" : "");
        html_text(out, columns[i].head);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

static void open_cell(struct html_table *t, const char *class)
{
    if (t->next == 0)
        fputs("<tr>", t->out);
    if (class)
        fprintf(t->out, "<td class=\"%s\">", class);
    else
        fputs("<td>", t->out);
}

static void close_cell(struct html_table *t)
{
    fputs("</td>", t->out);
    t->next = (t->next + 1) % t->count;
    if (t->next == 0)
        fputs("</tr>\n", t->out);
}

void html_cell(struct html_table *t, const char *text)
{
    const char *class = strcmp(text, "0") == 0 ? "n zero" : "n";
    open_cell(t, t->columns[t->next].number ? class : NULL);
    html_text(t->out, text);
    close_cell(t);
}

void html_cell_pair(struct html_table *t, const char *name, const char *meaning)
{
    open_cell(t, "pair");
    html_element(t->out, "b", NULL, name);
    html_element(t->out, "small", NULL, meaning);
    close_cell(t);
}

void html_cellf(struct html_table *t, const char *format, ...)
{
    char text[FORMATTED_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    html_cell(t, text);
}

void html_cell_count(struct html_table *t, uint64_t n)
{
    char text[SHORT_TEXT];
    html_cell(t, format_count(n, text));
}

void html_table_close(struct html_table *t)
{
    fputs("</tbody></table></div>\n", t->out);
}
