/*
 * options.c — hardly any: a yardstick with knobs is none.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "../optparse.h"

const struct group *const primitive_groups[GROUPS] = {&create_group, &switch_group,  &ask_group,
                                                      &stream_group, &counter_group, &memory_group,
                                                      &cow_group};

static bool set_only(void *into, const char *value, struct complaint *why)
{
    struct primitives_options *o = into;
    char names[256] = "";
    for (size_t i = 0; i < GROUPS; i++) {
        if (strcmp(primitive_groups[i]->name, value) == 0) {
            o->only = primitive_groups[i];
            return true;
        }
        strcat(names, i ? ", " : "");
        strcat(names, primitive_groups[i]->name);
    }
    return complain(why, "\"%s\" is no group: use one of %s", value, names);
}

static bool set_json(void *into, const char *value, struct complaint *why)
{
    return option_file(value, &((struct primitives_options *)into)->json, why);
}

static bool set_quick(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct primitives_options *)into)->quick = true;
    return true;
}

static bool set_quiet(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct primitives_options *)into)->quiet = true;
    return true;
}

static bool set_help(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct primitives_options *)into)->help = true;
    return true;
}

static bool set_version(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct primitives_options *)into)->version = true;
    return true;
}

static const struct option_spec table[] = {
    {0, "only", "GROUP", "create, switch, ask, stream, counter, memory or cow (all)", set_only},
    {0, "quick", NULL, "three short rounds, without 1 GiB: to see that it works", set_quick},
    {0, "json", "FILE", "write all figures as JSON; - for stdout, instead of the text", set_json},
    {0, "quiet", NULL, "no progress on stderr", set_quiet},
    {0, "help", NULL, "this text", set_help},
    {0, "version", NULL, "the version", set_version},
    {0, NULL, NULL, NULL, NULL}};

static bool no_operand(void *into, const char *text, struct complaint *why)
{
    (void)into;
    return complain(why, "primitives takes no argument \"%s\": it measures this machine, no server",
                    text);
}

bool primitives_options_parse(struct primitives_options *o, int argc, char *const *argv,
                              struct complaint *why)
{
    *o = (struct primitives_options){0};
    return options_parse(table, o, argc, argv, no_operand, "loadtest primitives", why);
}

void primitives_options_help(void)
{
    puts(
        "usage: loadtest primitives [options]\n"
        "Measures on this machine what threads and processes cost: to create, to switch between, "
        "to tell\nsomething, to count together, to keep in memory; and says which sentences of the "
        "textbook hold here.\nTakes about half a minute, and 1 GiB of memory for some of it if "
        "2 GiB are free.\n");
    options_help(table, stdout);
    puts("\nExit status: 0 it was measured, 2 usage, interrupted, or the report could not be "
         "written, 3 nothing\ncould be measured.");
}
