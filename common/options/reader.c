/*
 * reader.c — complaints, places, and copies that live as long as the options.
 */
#include "reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *next;
    max_align_t bytes[];
};

static struct kept *all_kept;

struct found *found_of(struct reader *r, const struct row *row)
{
    return &r->found[row - option_rows];
}

bool complain(struct reader *r, const char *place, const char *format, ...)
{
    char line[1400];
    snprintf(line, sizeof line, "%s: %.400s: ", r->program, place);
    size_t at = strlen(line);
    va_list ap;
    va_start(ap, format);
    vsnprintf(line + at, sizeof line - at, format, ap);
    va_end(ap);
    for (char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    fprintf(stderr, "%s\n", line);
    r->complaints++;
    return false;
}

void complain_unknown(struct reader *r, const char *place, const char *name, size_t length,
                      enum source source)
{
    char variable[NAME_ROOM];
    const struct row *nearest = nearest_row(name, length);
    if (!nearest)
        complain(r, place, "no such option: see --help");
    else if (source == BY_VARIABLE)
        complain(r, place, "no such option: did you mean %s? see --help",
                 variable_name(nearest, variable));
    else
        complain(r, place, "no such option: did you mean %s%s? see --help",
                 source == BY_FLAG ? "--" : "", nearest->name);
}

void *keep_bytes(struct reader *r, const void *bytes, size_t size)
{
    struct kept *kept = malloc(sizeof *kept + size);
    if (!kept) {
        complain(r, "memory", "%s", strerror(errno));
        return NULL;
    }
    kept->next = all_kept;
    all_kept = kept;
    return memcpy(kept->bytes, bytes, size);
}

char *keep(struct reader *r, const char *text)
{
    return keep_bytes(r, text, strlen(text) + 1);
}

void forget_kept(void)
{
    while (all_kept) {
        struct kept *next = all_kept->next;
        free(all_kept);
        all_kept = next;
    }
}

static struct found *found_by_name(struct reader *r, const char *name)
{
    return found_of(r, find_row(name, strlen(name)));
}

const char *place_of(struct reader *r, const char *name)
{
    static char flag[NAME_ROOM + 2];
    const struct found *f = found_by_name(r, name);
    if (f->count > 0)
        return f->places[0];
    snprintf(flag, sizeof flag, "--%s", name);
    return flag;
}

bool is_given(struct reader *r, const char *name)
{
    return found_by_name(r, name)->source != BY_DEFAULT;
}

bool is_bad(struct reader *r, const char *name)
{
    return found_by_name(r, name)->is_bad;
}
