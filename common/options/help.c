/*
 * help.c — --help and --version.
 */
#include <stdio.h>
#include <string.h>

#include "answers.h"

static void print_help(const struct reader *r)
{
    printf("Usage: %s [--NAME VALUE | --NAME=VALUE]...\n"
           "Each option is also read from the environment (--max-body: TANDEM_MAX_BODY), and\n"
           "from the file of --config (max-body = 16m); a flag wins, then the environment.\n"
           "TIME is like 500ms, 5s, 2m; SIZE like 512, 64k, 16m; [defaults] in brackets.\n",
           r->program);
    for (const struct row *row = option_rows; row->name; row++) {
        if ((row->traits & OF_PROC) && !r->with_isolation)
            continue;
        char left[NAME_ROOM];
        const char *title = group_title(row);
        if (title)
            printf("%s:\n", title);
        snprintf(left, sizeof left, "%s %s", row->name, placeholder(row));
        printf("  --%-31s %s", left, row->help);
        if (row->standard)
            printf(" [%s]", row->standard);
        putchar('\n');
    }
}

void answer(const struct reader *r, const struct row *question)
{
    if (strcmp(question->name, "help") == 0)
        print_help(r);
    else
        printf("%s %s\n", r->program, TANDEM_VERSION);
    fflush(stdout);
}
