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

bool row_is_wanted(const struct row *row)
{
    const char *wanted = getenv("TANDEM_FAULT");

    return wanted == NULL || strncmp(row_name(row), wanted, strlen(wanted)) == 0;
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

static void write_head(FILE *file)
{
    fputs("| fault |", file);
    for (int subject = 0; subject < subject_count(); subject++)
        fprintf(file, " %s |", subjects[subject].name);
    fputs("\n|---|", file);
    for (int subject = 0; subject < subject_count(); subject++)
        fputs("---|", file);
    fputc('\n', file);
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

/* The cells of a row, as one line, without what was measured. */
static void row_text(const struct row *row, char *line, size_t size)
{
    char text[CELL_TEXT * 2];
    size_t length = 0;

    for (int subject = 0; subject < subject_count(); subject++) {
        cell_text(row->expected[subject], NULL, text);
        length += (size_t)snprintf(line + length, size - length, " %s |", text);
    }
}

/* One line for all rows that say the same, in the place of the first of them. */
static void write_short(FILE *file)
{
    char line[CELL_TEXT * 8], other[CELL_TEXT * 8];

    for (size_t i = 0; i < row_count; i++) {
        bool is_told = false;

        row_text(&rows[i], line, sizeof(line));
        for (size_t before = 0; before < i && !is_told; before++) {
            row_text(&rows[before], other, sizeof(other));
            is_told = strcmp(line, other) == 0;
        }
        if (is_told)
            continue;
        fprintf(file, "| `%s`", row_name(&rows[i]));
        for (size_t behind = i + 1; behind < row_count; behind++) {
            row_text(&rows[behind], other, sizeof(other));
            if (strcmp(line, other) == 0)
                fprintf(file, ", `%s`", row_name(&rows[behind]));
        }
        fprintf(file, " |%s\n", line);
    }
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
    write_head(file);
    for (size_t i = 0; i < row_count; i++)
        if (row_is_wanted(&rows[i]))
            write_row(file, &rows[i], seen[i]);
    fputs(legend, file);
    fputs("\nIn short:\n\n", file);
    write_head(file);
    write_short(file);
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

static void compare_cells(const struct row *row, char *line, struct bytes *complaints)
{
    char expected[CELL_TEXT * 2];

    for (int subject = 0; subject < SUBJECTS; subject++) {
        const char *cell = next_cell(&line);

        cell_text(row->expected[subject], NULL, expected);
        if (cell == NULL || strcmp(cell, expected) != 0)
            bytes_addf(complaints, "%s, %s: it says \"%s\" instead of \"%s\"\n", row_name(row),
                       subjects[subject].name, cell ? cell : "", expected);
    }
}

/* The line of a table whose first cell has that name, behind the first cell; NULL: there is none. */
static const char *find_line(const char *readme, const char *name)
{
    char quoted[128];

    snprintf(quoted, sizeof(quoted), "`%s`", name);
    for (const char *line = readme; line != NULL; line = strchr(line, '\n')) {
        const char *end, *found;

        line += *line == '\n';
        end = strncmp(line, "| `", 3) == 0 ? strstr(line, " | ") : NULL;
        found = end != NULL ? strstr(line, quoted) : NULL;
        if (found != NULL && found < end)
            return end + strlen(" | ");
    }
    return NULL;
}

void matrix_compare(const char *readme, struct bytes *complaints)
{
    for (size_t i = 0; i < row_count; i++) {
        const char *found = find_line(readme, row_name(&rows[i]));
        char line[CELL_TEXT * 8];

        if (found == NULL) {
            bytes_addf(complaints, "%s: it has no line\n", row_name(&rows[i]));
            continue;
        }
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(found, "\n"), found);
        compare_cells(&rows[i], line, complaints);
    }
}
