/*
 * optparse.h — command-line options as a table: one line per option, from which parsing, error
 * messages and --help all follow.
 */
#ifndef LOADTEST_OPTPARSE_H
#define LOADTEST_OPTPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "complaint.h"

struct option_spec {
    char letter;       /* 0: none */
    const char *name;  /* without the dashes; "" for a heading in --help, whose text is `help` */
    const char *value; /* what its value is called in --help; NULL: it takes none */
    const char *help;  /* NULL: not shown */
    /* Stores `value` in `into`; on a bad one says so in `why` (without naming the option). */
    bool (*set)(void *into, const char *value, struct complaint *why);
};

/* Goes through argv; whatever is no option is given to `operand`. `table` ends with a NULL name.
 * `program` is named in hints ("loadtest run"). */
bool options_parse(const struct option_spec *table, void *into, int argc, char *const *argv,
                   bool (*operand)(void *into, const char *text, struct complaint *why),
                   const char *program, struct complaint *why);
/* What argv says the value of one option is, if it is there; NULL: it is not. Sets nothing. */
const char *options_find(const struct option_spec *table, int argc, char *const *argv,
                         const char *name);
/* Sets one option by its long name, for files of options; value NULL: there is none. */
bool options_set(const struct option_spec *table, void *into, const char *name, const char *value,
                 struct complaint *why);
/* For `set`: the name of a file to write, "-" for stdout; or of one that stdout cannot stand for. */
bool option_file(const char *value, const char **name, struct complaint *why);
bool option_file_only(const char *value, const char **name, struct complaint *why);
/* One line per option. */
void options_help(const struct option_spec *table, FILE *out);

#endif
