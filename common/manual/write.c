/*
 * write.c — makes a server's manual page of the prose in server.1 and the table of options.
 *
 *   write-manual server-proc server.1 server-proc.1
 *
 * Runs while the servers are built, so that a page cannot know other options than its server. In the prose,
 * @PROGRAM@ and @TWIN@ stand for the names of the server and the other one, @VERSION@ for the version; a line
 * that begins with "@server-proc " is for that page alone; and the line @OPTIONS@ gives way to the options.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../options/table.h"

enum { LINE_ROOM = 512 };

/* A dash is no hyphen. No text of the table begins with a dot or a quote, which mdoc would take for its own. */
static void put_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
    }
}

/* "FILE|-|off" as one word; words of a list are written as they are typed. */
static void put_value(const struct row *row)
{
    const char *value = placeholder(row);
    if (!*value)
        return;
    fputs(row->kind == WORD ? " Cm " : " Ar ", stdout);
    put_text(value);
}

static void put_range(const struct row *row)
{
    if (row->low && row->kind != WORD)
        printf("\nFrom %s to %s.", row->low, row->high);
    if (row->standard) {
        printf("\nDefault:\n.Li ");
        put_text(row->standard);
        fputs(" .", stdout);
    }
}

static void put_option(const struct row *row)
{
    char variable[NAME_ROOM];
    printf(".It Fl \\-");
    put_text(row->name);
    put_value(row);
    putchar('\n');
    putchar(toupper((unsigned char)*row->help));
    put_text(row->help + 1);
    putchar('.');
    put_range(row);
    if (row->kind != QUESTION)
        printf("\n.Pq Ev %s", variable_name(row, variable));
    putchar('\n');
}

static void put_options(bool is_proc)
{
    const char *end = "";
    for (const struct row *row = option_rows; row->name; row++) {
        const char *title = group_title(row);
        if (title) {
            printf("%s.Ss %s\n.Bl -tag -width indent\n", end, title);
            end = ".El\n";
        }
        if (is_proc || !(row->traits & OF_PROC))
            put_option(row);
    }
    fputs(end, stdout);
}

static void put_line(const char *line, const char *program)
{
    bool is_proc = strcmp(program, "server-proc") == 0;
    const struct {
        const char *mark, *text;
    } marks[] = {{"@PROGRAM@", program},
                 {"@TWIN@", is_proc ? "server-thread" : "server-proc"},
                 {"@VERSION@", TANDEM_VERSION}};
    while (*line) {
        size_t i = 0, count = sizeof marks / sizeof marks[0];
        while (i < count && strncmp(line, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (i == count) {
            putchar(*line++);
            continue;
        }
        fputs(marks[i].text, stdout);
        line += strlen(marks[i].mark);
    }
}

int main(int argc, char **argv)
{
    char line[LINE_ROOM];
    if (argc != 4 || !freopen(argv[2], "r", stdin) || !freopen(argv[3], "w", stdout)) {
        fprintf(stderr, "write-manual: PROGRAM PROSE PAGE, and both files can be opened\n");
        return 2;
    }
    size_t length = strlen(argv[1]);
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "@OPTIONS@\n") == 0)
            put_options(strcmp(argv[1], "server-proc") == 0);
        else if (strncmp(line, "@server-", 8) != 0)
            put_line(line, argv[1]);
        else if (strncmp(line + 1, argv[1], length) == 0 && line[length + 1] == ' ')
            put_line(line + length + 2, argv[1]);
    }
    return fflush(stdout) == 0 && !ferror(stdin) ? 0 : 1;
}
