/*
 * sources.h — where options are given. Each reads what no source before it has named (reader.h), says
 * what is wrong, and goes on.
 */
#ifndef TANDEM_OPTIONS_SOURCES_H
#define TANDEM_OPTIONS_SOURCES_H

#include "reader.h"

/* In a command_line() (answers.h), an argument that begins so says where the value of the next comes from. */
#define PLACE_MARK '@'

/* --NAME VALUE, --NAME=VALUE, and --NAME for switches. Returns the row of --help or --version, at which
 * reading stops, when all before it was right; NULL: neither was asked for. */
const struct row *read_flags(struct reader *r, int argc, char **argv);

/* TANDEM_NAME; several values of a list are separated by spaces. An empty variable is one that is not
 * set: that is how a compose file leaves an option out. */
void read_environment(struct reader *r);

/* --config; nothing where no file is named.
 *
 *      # what both servers shall do            comments: a line that begins with # or ;
 *      listen = 127.0.0.1:8080                 or what follows a blank and a ;
 *      listen = [::1]:8080                     a list: one value a line, blanks in it are its own
 *      enable-demo = on                        a switch: on or off, yes or no, true or false, 1 or 0
 *      root =                                  nothing is as good as no line
 *
 *      [server-proc]                           what only this one shall do; wins over the lines above
 *      isolation = fresh                       all sections. The other server sees to it that there
 *                                              are such options, and does no more
 *
 * An option stands once in each part, unless it is a list: with two lines, one would be overlooked.
 * Lines have at most FILE_LINE bytes, which is what inih, as packaged, has room for. */
void read_file(struct reader *r);

enum { FILE_LINE = 198 };

#endif
