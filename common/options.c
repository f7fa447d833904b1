/*
 * options.c — sources are read, the whole is judged, and what nobody has named gets its default.
 *
 * Everything else stands in options/: the table all of it goes by (table.c), how values are read (value.c),
 * where they come from (flags.c, environment.c, file.c), what must hold of them together (sense.c), and what is
 * answered from the table (help.c, effective.c).
 */
#include "options.h"

#include <string.h>

#include "cpus.h"
#include "options/answers.h"
#include "options/sense.h"
#include "options/sources.h"
#include "options/value.h"

/* It stays, so that a value can be traced to its place for as long as the program runs. */
static struct reader reader;

/* `each` per CPU, but not less than `least`: a worker may wait for its handler, so there are more
 * workers than CPUs. */
static unsigned per_cpu(unsigned each, unsigned least, unsigned most)
{
    unsigned cpus = usable_cpus();
    unsigned count = cpus > most / each ? most : cpus * each;
    return count < least ? least : count;
}

/* Who serves https alone has not asked for a port without it. */
static bool is_needless(const struct reader *r, const struct row *row)
{
    return row == option_rows && r->o->tls_listen.count > 0;
}

static void set_defaults(struct reader *r)
{
    for (const struct row *row = option_rows; row->name; row++)
        if (row->standard && found_of(r, row)->count == 0 && !is_needless(r, row))
            read_value(r, row, row->name, row->standard);
    struct options *o = r->o;
    if (o->workers == 0)
        o->workers = per_cpu(4, 8, LIMIT_WORKERS);
    if (o->spares == 0)
        o->spares = per_cpu(2, 4, LIMIT_SPARES);
    if (o->tls_gates == 0)
        o->tls_gates = per_cpu(1, 1, LIMIT_GATES);
}

static enum options_result read_all(struct reader *r, int argc, char **argv)
{
    struct options *o = r->o;
    forget_kept();
    *o = (struct options){.ready_fd = -1, .argv = argv};
    const struct row *question = read_flags(r, argc, argv);
    if (question) {
        answer(r, question);
        return OPTIONS_DONE;
    }
    if (!r->is_again) {
        read_environment(r);
        read_file(r);
        judge_sense(r);
    }
    set_defaults(r);
    o->command_line = command_line(r);
    if (o->print_config && r->complaints == 0)
        print_config(r);
    if (r->complaints > 0 || !o->command_line)
        return OPTIONS_BAD;
    return o->print_config ? OPTIONS_DONE : OPTIONS_RUN;
}

enum options_result options_read(struct options *o, const char *program, bool with_isolation,
                                 int argc, char **argv)
{
    reader = (struct reader){.o = o, .program = program, .with_isolation = with_isolation};
    return read_all(&reader, argc, argv);
}

enum options_result options_read_again(struct options *o, const char *program, int argc,
                                       char **argv)
{
    reader = (struct reader){.o = o, .program = program, .with_isolation = true, .is_again = true};
    return read_all(&reader, argc, argv);
}

const char *options_place(const char *name, size_t index)
{
    const struct found *f = found_of(&reader, find_row(name, strlen(name)));
    return index < f->count ? f->places[index] : place_of(&reader, name);
}

const char *options_place_of(const char *name, const char *typed)
{
    const struct found *f = found_of(&reader, find_row(name, strlen(name)));
    size_t index = 0;
    while (index < f->count && strcmp(f->texts[index], typed) != 0)
        index++;
    return options_place(name, index);
}
