/*
 * html.h — writes HTML: what comes from outside is escaped here, and nowhere else.
 *
 * Whoever uses these functions cannot forget it: texts go through html_text() or into a cell, tags
 * are literals of the program. The FILE belongs to the caller; write errors stay in it (ferror).
 */
#ifndef LOADTEST_HTML_H
#define LOADTEST_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A text as content or as a quoted attribute: & < > " ' as references; bytes that are not UTF-8 (RFC
 * 3629) and control characters as U+FFFD, so that the page stays valid whatever it was given. */
void html_text(FILE *out, const char *text);
/* <TAG class="CLASS">text</TAG>; CLASS may be NULL. Tag and class are not escaped. */
void html_element(FILE *out, const char *tag, const char *class, const char *text);
/* The same with a text built as printf builds it (1,023 bytes at most). */
void html_elementf(FILE *out, const char *tag, const char *class, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A column of a table: its head, and whether it holds numbers (set flush right). */
struct html_column {
    const char *head;
    bool number;
};

/* A table in a frame that scrolls sideways when the screen is too narrow; `label` names it to who
 * cannot see it. Cells are given one by one; a row ends by itself after the last column. */
struct html_table {
    FILE *out;
    const struct html_column *columns;
    size_t count, next;
};

void html_table_open(struct html_table *t, FILE *out, const char *label,
                     const struct html_column *columns, size_t count);
void html_cell(struct html_table *t, const char *text);
void html_cellf(struct html_table *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void html_cell_count(struct html_table *t, uint64_t n); /* "12,345" */
/* A name, and beside it, or below it where the screen is narrow, what it means. */
void html_cell_pair(struct html_table *t, const char *name, const char *meaning);
void html_table_close(struct html_table *t);

#endif
