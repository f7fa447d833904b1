/*
 * merge_options.c — what is read needs no option, only what is written.
 */
#include "merge_options.h"

#include <stdio.h>
#include <string.h>

#include "../optparse.h"

static bool set_hlog(void *into, const char *value, struct complaint *why)
{
    return option_file_only(value, &((struct merge_options *)into)->hlog, why);
}

static bool set_json(void *into, const char *value, struct complaint *why)
{
    return option_file(value, &((struct merge_options *)into)->json, why);
}

static bool set_help(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct merge_options *)into)->help = true;
    return true;
}

static bool set_version(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct merge_options *)into)->version = true;
    return true;
}

static const struct option_spec table[] = {
    {0, "hlog", "FILE", "write the sum as a log, one line for each tag", set_hlog},
    {0, "json", "FILE", "write the sum as JSON; - for stdout, instead of the text", set_json},
    {0, "help", NULL, "this text", set_help},
    {0, "version", NULL, "the version", set_version},
    {0, NULL, NULL, NULL, NULL}};

static bool add_file(void *into, const char *text, struct complaint *why)
{
    struct merge_options *o = into;
    if (o->file_count == MERGE_FILES_MAX)
        return complain(why, "there can be %d files at most: merge some, then the sums",
                        MERGE_FILES_MAX);
    o->files[o->file_count++] = text;
    return true;
}

bool merge_options_parse(struct merge_options *o, int argc, char *const *argv,
                         struct complaint *why)
{
    memset(o, 0, sizeof *o);
    if (!options_parse(table, o, argc, argv, add_file, "loadtest merge", why))
        return false;
    return o->help || o->version || o->file_count > 0 ||
           complain(why, "which logs? loadtest merge one.hlog two.hlog");
}

void merge_options_help(void)
{
    puts(
        "usage: loadtest merge [options] FILE.hlog...\n"
        "Adds up the histograms of HdrHistogram logs (V2), tag by tag. Values are microseconds.\n");
    options_help(table, stdout);
    puts("\nExit status: 0 all was read, 2 a log is damaged or cannot be read, 3 the logs hold no "
         "values.");
}
