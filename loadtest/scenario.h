/*
 * scenario.h — a run written down: the options of `loadtest run` in a text file.
 *
 *   # Crash one request in a thousand          the first line, when it is a comment, is the title
 *   connections 64                             an option without its dashes, then its value,
 *   inject segv=0.1%                           which is the rest of the line
 *   no-keepalive                               or no value, where the option takes none
 *   url http://127.0.0.1:8080/                 a URL under load; or its path alone, url /echo,
 *                                              on whatever server somebody else names
 *
 * Names of files that are read (urls, body @FILE) are relative to the scenario's folder.
 */
#ifndef LOADTEST_SCENARIO_H
#define LOADTEST_SCENARIO_H

#include <glob.h>
#include <stdbool.h>

#include "complaint.h"
#include "options.h"

/* Applies the scenario to options that have their defaults; the command line is to be parsed after
 * it. `name` is a file name when it holds a slash or ends in .scn; else it is looked for, with .scn
 * at its end, in $TANDEM_SCENARIOS or, without that variable, in scenarios/ beside the program and in
 * ../share/tandem/scenarios from there. False: one line in `why`, with file and line. */
bool scenario_read(const char *name, struct run_options *o, struct complaint *why);
/* All files that a name stands for, in the order of their names; to be given to globfree(). False
 * when there are none: one line in `why`. */
bool scenario_list(glob_t *files, struct complaint *why);

#endif
