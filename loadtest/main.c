/*
 * main.c — which subcommand?
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "compare/compare.h"
#include "demo/demo.h"
#include "hlog/merge.h"
#include "interrupt.h"
#include "primitives/primitives.h"
#include "run.h"

enum { COMMAND_MAX = 8192 };

static const struct {
    const char *name;
    int (*main)(int argc, char *const *argv, const char *command);
    const char *help;
} subcommands[] = {
    {"run", run_main, "load a server, and tell how each request ended"},
    {"compare", compare_main,
     "two or more servers in turns: which is faster, and how sure is that"},
    {"demo", demo_main, "start the pair and measure what one system call is worth"},
    {"merge", merge_main, "add up the logs that run --hlog has written"},
    {"primitives", primitives_main, "measure what threads and processes cost on this machine"},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0] };

static void help(FILE *out)
{
    fputs("usage: loadtest COMMAND [options]\n\n", out);
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-10s %s\n", subcommands[i].name, subcommands[i].help);
    fputs("\nloadtest COMMAND --help tells the options.\n", out);
}

/* Adds `text` to `out` as far as there is room; returns how much of that is used then. */
static size_t add(char *out, size_t used, size_t room, const char *text)
{
    int n = snprintf(out + used, room - used, "%s", text);
    used += n > 0 ? (size_t)n : 0;
    return used < room ? used : room - 1;
}

/* The command line as one text, quoted as a shell wants it, for the record in the reports. */
static void join(int argc, char *const *argv, char *out, size_t room)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-_./:=,@%+";
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < argc; i++) {
        bool quoted = argv[i][0] == '\0' || argv[i][strspn(argv[i], plain)] != '\0';
        used = add(out, used, room, i ? " " : "");
        used = add(out, used, room, quoted ? "'" : "");
        for (const char *c = argv[i]; *c; c++)
            used = add(out, used, room, quoted && *c == '\'' ? "'\\''" : (char[]){*c, '\0'});
        used = add(out, used, room, quoted ? "'" : "");
    }
}

int main(int argc, char **argv)
{
    static char command[COMMAND_MAX];
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0) {
        help(stdout);
        return EXIT_HELD;
    }
    if (strcmp(name, "--version") == 0) {
        puts("loadtest " TANDEM_VERSION);
        return EXIT_HELD;
    }
    join(argc, argv, command, sizeof command);
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(name, subcommands[i].name) != 0)
            continue;
        interrupt_watch();
        return subcommands[i].main(argc - 2, argv + 2, command);
    }
    if (argc > 1)
        fprintf(stderr, "loadtest: unknown command %s: see loadtest --help\n", name);
    else
        help(stderr);
    return EXIT_INVALID;
}
