/*
 * flags.c — the command line.
 */
#include <string.h>

#include "sources.h"
#include "value.h"

/* No value of ours begins with "--", so an argument that does is the next option. */
static bool is_value(const char *argument)
{
    return argument && strncmp(argument, "--", 2) != 0;
}

static bool is_place(const struct reader *r, const char *argument)
{
    return r->is_again && *argument == PLACE_MARK;
}

/* "--max-body"; in a command line of ours it may say itself where the value was given. */
static const char *place_of_flag(const struct reader *r, const struct row *row, char **argv, int at,
                                 char room[NAME_ROOM])
{
    if (is_place(r, argv[at - 1]))
        return argv[at - 1] + 1;
    strcpy(room, "--");
    return strcat(room, row->name);
}

/* A value: behind "=", or the next argument. */
static void read_flag(struct reader *r, const struct row *row, const char *equals, char **argv,
                      int *at)
{
    char room[NAME_ROOM];
    const char *place = place_of_flag(r, row, argv, *at, room);
    bool has_value = row->kind != SWITCH && row->kind != QUESTION;
    const char *value = equals                                 ? equals + 1
                        : has_value && is_value(argv[*at + 1]) ? argv[++*at]
                                                               : NULL;
    struct found *f = found_of(r, row);
    if (!belongs_here(r, row, place, BY_FLAG))
        return;
    f->source = BY_FLAG;
    if (!has_value && equals)
        f->is_bad = !complain(r, place, "takes no value: write it alone");
    else if (has_value && !value)
        f->is_bad =
            !complain(r, place, "needs a value: --%s %s; see --help", row->name, placeholder(row));
    else if (row->kind != QUESTION)
        take_value(r, row, BY_FLAG, place, has_value ? value : "on");
}

const struct row *read_flags(struct reader *r, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + 2;
        if (is_place(r, argv[i]))
            continue;
        if (is_value(argv[i]) || !*name) {
            complain(r, argv[i], "stray argument: options begin with --; see --help");
            continue;
        }
        size_t length = strcspn(name, "=");
        const struct row *row = find_row(name, length);
        if (row) {
            read_flag(r, row, name[length] ? name + length : NULL, argv, &i);
            if (row->kind == QUESTION && r->complaints == 0)
                return row;
            continue;
        }
        complain_unknown(r, argv[i], name, length, BY_FLAG);
        i += !name[length] && is_value(argv[i + 1]); /* whatever it is, that is its value */
    }
    return NULL;
}
