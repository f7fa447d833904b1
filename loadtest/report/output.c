/*
 * output.c — see output.h.
 */
#include "output.h"

#include <errno.h>
#include <string.h>

bool outputs_take_stdout(const struct output *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (outputs[i].file == stdout)
            return true;
    return false;
}

static bool open_one(struct output *o, bool stdout_taken, struct complaint *why)
{
    if (strcmp(o->name, "-") != 0) {
        o->file = fopen(o->name, "w");
        return o->file || complain(why, "cannot write %s: %s", o->name, strerror(errno));
    }
    if (stdout_taken)
        return complain(why, "only one report can go to stdout: give the others a file name");
    o->file = stdout;
    return true;
}

bool outputs_open(struct output *outputs, size_t count, struct complaint *why)
{
    for (size_t i = 0; i < count; i++)
        outputs[i].file = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!outputs[i].name)
            continue;
        if (open_one(&outputs[i], outputs_take_stdout(outputs, count), why))
            continue;
        outputs_give_up(outputs, count);
        return false;
    }
    return true;
}

bool outputs_close(struct output *outputs, size_t count, struct complaint *why)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        FILE *file = outputs[i].file;
        if (!file)
            continue;
        errno = 0;
        bool written = fflush(file) == 0 && !ferror(file);
        if (file != stdout)
            written = fclose(file) == 0 && written;
        outputs[i].file = NULL;
        if (!written && good)
            good = complain(why, "cannot write %s: %s",
                            strcmp(outputs[i].name, "-") == 0 ? "to stdout" : outputs[i].name,
                            errno ? strerror(errno) : "an earlier write failed");
    }
    return good;
}

void outputs_give_up(struct output *outputs, size_t count)
{
    struct complaint ignored;
    outputs_close(outputs, count, &ignored);
}
