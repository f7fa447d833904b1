/*
 * effective.c — what all sources come to, written as one of them: a file, or a command line.
 *
 * Values are written as they were typed, so that nothing is lost on the way through a number and back.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "sources.h"
#include "value.h"

enum { COLUMN = 40 /* where the places begin */ };

/* --- as a file --- */

/* inih drops blanks at both ends, and what follows a blank and a semicolon. */
static bool fits_a_line(const struct row *row, const char *value)
{
    size_t length = strlen(value);
    if (length == 0 || strlen(row->name) + strlen(" = ") + length > FILE_LINE)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((iscntrl(c) && c != '\t') ||
            (c == ';' && i > 0 && isblank((unsigned char)value[i - 1])))
            return false;
    }
    return !isblank((unsigned char)value[0]) && !isblank((unsigned char)value[length - 1]);
}

/* "listen = 127.0.0.1:8080 ; --listen", the place above the line when both do not fit one. */
static void print_setting(struct reader *r, const struct row *row, const char *value,
                          const char *place)
{
    if (!fits_a_line(row, value)) {
        complain(r, place, "no line of a file could hold \"%.200s\": leave it where it is", value);
        return;
    }
    bool is_long = strlen(row->name) + strlen(value) + strlen(place) + COLUMN > FILE_LINE;
    if (is_long)
        printf("; %.150s\n", place);
    int width = printf("%s = %s", row->name, value);
    if (!is_long)
        printf("%*s ; %s", width < COLUMN ? COLUMN - width : 0, "", place);
    putchar('\n');
}

/* What the option comes to where nobody has said anything; NULL: there is nothing to be said. */
static const char *unsaid(struct reader *r, const struct row *row, char *room, size_t size)
{
    bool is_needless = row == option_rows && r->o->listen.count == 0; /* https alone */
    if (row->kind == SWITCH)
        return "off";
    if (row->standard)
        return is_needless ? NULL : row->standard;
    if (row->kind != NUMBER)
        return NULL;
    snprintf(room, size, "%llu", stored_value(r, row));
    return room;
}

/* A setting without effect is refused, so its default may be looked up, but not set. */
static bool is_idle(struct reader *r, const struct row *row)
{
    return ((row->traits & OF_TLS) && r->o->tls_listen.count == 0) ||
           ((row->traits & OF_FILES) && !r->o->root);
}

static void print_row(struct reader *r, const struct row *row)
{
    char room[32];
    const struct found *f = found_of(r, row);
    const char *value = unsaid(r, row, room, sizeof room);
    for (size_t i = 0; i < f->count; i++)
        print_setting(r, row, f->texts[i], f->places[i]);
    if (f->count == 0 && value && !is_idle(r, row))
        print_setting(r, row, value, "default");
    else if (f->count == 0)
        printf("# %s = %s\n", row->name, value ? value : placeholder(row));
}

/* What server-proc alone has would be refused by its twin, which is told nothing of it: the section says so. */
static void print_rows(struct reader *r, bool of_proc)
{
    for (const struct row *row = option_rows; row->name; row++) {
        const char *title = group_title(row);
        bool is_wanted = !(row->traits & OF_LINE) && of_proc == !!(row->traits & OF_PROC);
        if (title && !of_proc && is_wanted)
            printf("\n# %s\n", title);
        if (is_wanted)
            print_row(r, row);
    }
}

void print_config(struct reader *r)
{
    printf("# %s %s: the settings it would serve with, each with the place it comes from.\n"
           "# With --config FILE they come to the same again.\n",
           r->program, TANDEM_VERSION);
    print_rows(r, false);
    if (r->with_isolation) {
        printf("\n[server-proc]\n");
        print_rows(r, true);
    }
    fflush(stdout);
}

/* --- as a command line --- */

static char *as_flag(struct reader *r, const struct row *row, const char *value)
{
    size_t size = strlen(row->name) + strlen(value) + sizeof "--=";
    char *flag = malloc(size), *kept = NULL;
    if (!flag)
        return NULL;
    snprintf(flag, size, row->kind == SWITCH ? "--%s" : "--%s=%s", row->name, value);
    kept = keep(r, flag);
    free(flag);
    return kept;
}

/* Of the files of TLS, whoever reads them says what is wrong with them, and where they were named. */
static char *as_place(struct reader *r, const struct row *row, const char *place)
{
    char text[512 + 1];
    bool is_worth_it = (row->traits & OF_TLS) && (row->kind == FILES || row->kind == FILE_NAME) &&
                       strncmp(place, "--", 2) != 0;
    if (!is_worth_it)
        return NULL;
    snprintf(text, sizeof text, "%c%.511s", PLACE_MARK, place);
    return keep(r, text);
}

char **command_line(struct reader *r)
{
    char *line[2 * OPTION_ROOM * LIMIT_TEXTS] = {keep(r, r->program)};
    size_t count = 1;
    for (const struct row *row = option_rows; row->name; row++) {
        const struct found *f = found_of(r, row);
        bool is_off = row->kind == SWITCH && !stored_value(r, row);
        for (size_t i = 0; i < f->count && !is_off; i++) {
            char *place = as_place(r, row, f->places[i]);
            if (place)
                line[count++] = place;
            line[count++] = as_flag(r, row, f->texts[i]);
        }
    }
    line[count++] = NULL;
    return keep_bytes(r, line, count * sizeof line[0]);
}
