/*
 * answers.h — what the program says about its options, instead of serving: all of it from the table.
 */
#ifndef TANDEM_OPTIONS_ANSWERS_H
#define TANDEM_OPTIONS_ANSWERS_H

#include "reader.h"

/* --help and --version, on stdout. */
void answer(const struct reader *r, const struct row *question);

/* --print-config: a file that read_file() takes, and that comes to the same on a machine like this; behind each
 * value the place it came from. After the defaults. A value that no line could hold is complained about. */
void print_config(struct reader *r);

/* The command line that comes to the same without environment or file, for a program of ours: the program's name
 * first, NULL behind the last. Kept like the options. */
char **command_line(struct reader *r);

#endif
