/*
 * Cells as words. One function makes the text of a cell, with numbers for whoever has measured and
 * without for whoever compares; so the README can only say what the test asserts.
 */
#include "matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BETWEEN " · "

const char *row_name(const struct row *row)
{
    return row->label != NULL ? row->label : row->fault;
}

const char *row_left_out(const struct row *row)
{
    const char *preset = getenv("TANDEM_PRESET");

    if (preset == NULL || row->presets == NULL || strstr(row->presets, preset) == NULL)
        return NULL;
    return row->left_out;
}

/* --- making --- */

static void measured_text(const struct seen *seen, char *text, size_t size)
{
    *text = '\0';
    if (seen != NULL && seen->lost > 0)
        snprintf(text, size, " (%ld of %ld requests, %d of %d connections, %d.%02d s away)",
                 seen->victims, seen->requests, seen->lost, BYSTANDERS, (int)(seen->away / 1000),
                 (int)(seen->away % 1000 / 10));
    else if (seen != NULL)
        snprintf(text, size, " (%ld of %ld requests, %d.%02d s)", seen->victims, seen->requests,
                 (int)(seen->away / 1000), (int)(seen->away % 1000 / 10));
}

void cell_text(const struct cell *cell, const struct seen *seen, char text[CELL_TEXT * 2])
{
    char measured[128];

    measured_text(seen, measured, sizeof(measured));
    snprintf(text, (size_t)CELL_TEXT * 2, "%s" BETWEEN "%s" BETWEEN "%s%s" BETWEEN "%s", cell->dies,
             cell->client, cell->others, measured, cell->left);
}

static void write_row(FILE *file, const struct row *row, struct seen seen[SUBJECTS])
{
    char text[CELL_TEXT * 2];

    fprintf(file, "| `%s` |", row_name(row));
    for (int subject = 0; subject < subject_count(); subject++) {
        if (row_left_out(row) != NULL)
            snprintf(text, sizeof(text), "left out: %s", row_left_out(row));
        else if (!seen[subject].is_complete)
            snprintf(text, sizeof(text), "**not as expected**");
        else
            cell_text(row->expected[subject], &seen[subject], text);
        fprintf(file, " %s |", text);
    }
    fputc('\n', file);
}

static const char legend[] =
    "\n"
    "In brackets what was measured: innocent requests that failed or came late, of all that were\n"
    "sent meanwhile; bystanders' connections that were lost; the longest time between two good\n"
    "answers.\n";

bool matrix_write(const char *path, struct seen (*seen)[SUBJECTS])
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        return false;
    fputs("| fault |", file);
    for (int subject = 0; subject < subject_count(); subject++)
        fprintf(file, " %s |", subjects[subject].name);
    fputs("\n|---|", file);
    for (int subject = 0; subject < subject_count(); subject++)
        fputs("---|", file);
    fputc('\n', file);
    for (size_t i = 0; i < row_count; i++)
        write_row(file, &rows[i], seen[i]);
    fputs(legend, file);
    return fclose(file) == 0;
}

/* --- comparing --- */

static void remove_brackets(char *text)
{
    char *open;

    while ((open = strstr(text, " (")) != NULL) {
        char *close = strchr(open, ')');

        if (close == NULL)
            return;
        memmove(open, close + 1, strlen(close + 1) + 1);
    }
}

static void keep_parts(char *text, int parts)
{
    char *at = text;

    while (parts-- > 0 && (at = strstr(at, BETWEEN)) != NULL)
        if (parts > 0)
            at += strlen(BETWEEN);
    if (at != NULL)
        *at = '\0';
}

/* The next cell of a line, or NULL; `*rest` is what follows it. */
static char *next_cell(char **rest)
{
    char *cell = *rest, *end = strstr(cell, " |");

    if (end == NULL)
        return NULL;
    *end = '\0';
    *rest = end + strlen(" |") + (end[2] == ' ');
    remove_brackets(cell);
    return cell;
}

static void compare_cells(const struct row *row, char *line, int parts, struct bytes *complaints)
{
    char expected[CELL_TEXT * 2];

    for (int subject = 0; subject < SUBJECTS; subject++) {
        const char *cell = next_cell(&line);

        cell_text(row->expected[subject], NULL, expected);
        keep_parts(expected, parts);
        if (cell == NULL || strcmp(cell, expected) != 0)
            bytes_addf(complaints, "%s, %s: it says \"%s\" instead of \"%s\"\n", row_name(row),
                       subjects[subject].name, cell ? cell : "", expected);
    }
}

void matrix_compare(const char *readme, int parts, struct bytes *complaints)
{
    for (size_t i = 0; i < row_count; i++) {
        char start[128], line[CELL_TEXT * 8];
        const char *found;

        snprintf(start, sizeof(start), "\n| `%s` | ", row_name(&rows[i]));
        found = strstr(readme, start);
        if (found == NULL) {
            bytes_addf(complaints, "%s: it has no line\n", row_name(&rows[i]));
            continue;
        }
        found += strlen(start);
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(found, "\n"), found);
        compare_cells(&rows[i], line, parts, complaints);
    }
}
