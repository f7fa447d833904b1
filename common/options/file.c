/*
 * file.c — the file of --config: inih takes lines apart, we number them.
 *
 * inih tells its caller neither the number of a line nor more than the first mistake, and what it does
 * with a line that is too long for it depends on its version (55 takes the rest for the next line, later
 * ones drop it). So it is handed one line at a time that fits, without the blanks at its beginning (which
 * would make it one more value of the option above), and when it asks for the next, whatever has become of
 * the last is known:
 *
 *      give_line ──> is it a setting? ──> on_setting: taken apart        ──> next give_line
 *                          │                                                      ↑
 *                          └── inih could make nothing of it: that is said here ──┘
 */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sources.h"
#include "value.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

_Static_assert(FILE_LINE == 198, "a complaint says so, and the manual page");
_Static_assert(INI_MAX_LINE >= FILE_LINE + 2, "a line, its end and a NUL fit what inih has");

struct lines {
    struct reader *r;
    const char *path;
    FILE *file;
    unsigned number; /* of the line that inih has, from 1 */
    bool is_awaited; /* it looks like a setting, and on_setting has not been called yet */
    bool is_over;
};

static bool complain_line(const struct lines *l, const char *what)
{
    char place[512];
    snprintf(place, sizeof place, "%.300s:%u", l->path, l->number);
    return complain(l->r, place, "%s", what);
}

/* --- lines --- */

static void judge_section(const struct lines *l, const char *line)
{
    static const char *const names[] = {"[server-proc]", "[server-thread]"};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(names[i]);
        const char *rest = line + strspn(line, " \t");
        if (strncmp(rest, names[i], length) != 0)
            continue;
        rest += length + strspn(rest + length, " \t\r\n");
        if (!*rest || *rest == ';' || *rest == '#')
            return;
    }
    complain_line(l,
                  "there is no such section: write [server-proc] or [server-thread] above what is "
                  "for that one alone");
}

/* Up to the end of the line. Returns its length; -1: longer than `most`; -2: no text. */
static int read_line(FILE *file, char *line, size_t most)
{
    size_t length = 0;
    int c;
    while ((c = getc(file)) != EOF && c != '\n') {
        if (iscntrl(c) && c != '\t' && c != '\r')
            return -2;
        if (length == 0 && isspace(c))
            continue;
        if (length < most)
            line[length] = (char)c;
        length++;
    }
    if (length > most)
        return -1;
    line[length] = '\0';
    return (int)length;
}

/* Only settings are awaited: of comments and sections inih does not tell. */
static void classify(struct lines *l, const char *line)
{
    if (l->number == 1 && strncmp(line, BYTE_ORDER_MARK, 3) == 0)
        line += 3;
    line += strspn(line, " \t");
    l->is_awaited = *line && !strchr(";#[", *line);
    if (*line == '[')
        judge_section(l, line);
}

static void judge_last(struct lines *l)
{
    if (l->is_awaited)
        complain_line(l, "is no setting: write NAME = VALUE");
    l->is_awaited = false;
}

/* For inih, in place of fgets(). */
static char *give_line(char *room, int size, void *lines)
{
    struct lines *l = lines;
    size_t most = (size_t)size - 2 < FILE_LINE ? (size_t)size - 2 : FILE_LINE;
    judge_last(l);
    int c = l->is_over ? EOF : getc(l->file);
    if (c == EOF)
        return NULL;
    ungetc(c, l->file);
    l->number++;
    int length = read_line(l->file, room, most);
    if (length == -2) {
        l->is_over = true;
        complain_line(l, "is no text: name a file of lines like NAME = VALUE");
        return NULL;
    }
    if (length == -1) {
        complain_line(
            l, "is longer than 198 bytes: shorten it, a list may have a line for each value");
        length = 0;
    }
    room[length] = '\0';
    classify(l, room);
    strcpy(room + length, "\n");
    return room;
}

/* --- settings --- */

/* Whether the line is to be read: no other source has named the option, nor this file. */
static bool is_free(struct reader *r, const struct row *row, const char *place, bool in_section)
{
    struct found *f = found_of(r, row);
    if (f->source == BY_FLAG || f->source == BY_VARIABLE)
        return false;
    if (f->source == BY_FILE && in_section && !f->in_section)
        drop_values(r, row);
    else if (f->source == BY_FILE && !is_list(row))
        return complain(r, place, "stands in line %u already: leave one of them out", f->line);
    return true;
}

static void take_setting(const struct lines *l, const struct row *row, const char *place,
                         bool in_section, const char *value)
{
    struct found *f = found_of(l->r, row);
    if (!is_free(l->r, row, place, in_section))
        return;
    if (f->source == BY_DEFAULT)
        f->line = l->number;
    f->in_section = in_section;
    f->source = BY_FILE;
    const char *kept = keep(l->r, value);
    if (kept)
        take_value(l->r, row, BY_FILE, place, kept);
}

/* For inih. 1: goes on. What is wrong has been said. */
static int on_setting(void *lines, const char *section, const char *name, const char *value)
{
    struct lines *l = lines;
    char place[512];
    const struct row *row = find_row(name, strlen(name));
    bool is_proc = strcmp(section, "server-proc") == 0,
         is_thread = strcmp(section, "server-thread") == 0;
    snprintf(place, sizeof place, "%.300s:%u: %.100s", l->path, l->number, name);
    l->is_awaited = false;
    if (*section && !is_proc && !is_thread)
        return 1; /* said where it began */
    if (!row)
        complain_unknown(l->r, place, name, strlen(name), BY_FILE);
    else if (row->traits & OF_LINE)
        complain(l->r, place, "is for the command line: leave it out here");
    else if (is_thread && (row->traits & OF_PROC))
        complain(l->r, place, "belongs to server-proc: put it below [server-proc]");
    else if (*section && strcmp(section, l->r->program) != 0)
        return 1;
    else if (belongs_here(l->r, row, place, BY_FILE) && *value)
        take_setting(l, row, place, *section, value);
    return 1;
}

/* --- the file --- */

static FILE *open_file(struct reader *r, const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "re");
    const char *place = place_of(r, "config");
    if (!file) {
        complain(r, place, "\"%.300s\": %s: name a file that can be read", path, strerror(errno));
    } else if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
        complain(r, place, "\"%.300s\" is a folder: name a file in it", path);
        fclose(file);
        return NULL;
    }
    return file;
}

void read_file(struct reader *r)
{
    struct lines l = {.r = r, .path = r->o->config};
    l.file = l.path ? open_file(r, l.path) : NULL;
    if (!l.file)
        return;
    ini_parse_stream(give_line, &l, on_setting, &l);
    if (ferror(l.file))
        complain(r, l.path, "%s: name a file that can be read", strerror(errno));
    fclose(l.file);
}
