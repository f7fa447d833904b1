/*
 * A command line as a server would read it, and what it says to that.
 */
#ifndef TANDEM_TESTS_LINE_H
#define TANDEM_TESTS_LINE_H

#include "common/options.h"

#include <stdbool.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define READ(...) read_line(true, (const char *[]){"prog", __VA_ARGS__, NULL})
#define READ_NOTHING() read_line(true, (const char *[]){"prog", NULL})
#define TWIN(...) read_line(false, (const char *[]){"prog", __VA_ARGS__, NULL})

/* What came of the last one. */
extern struct options o;
extern char out_text[8192], err_text[4096];

/* Reads the command line with both streams in files; what was said is in out_text and err_text. Of server-proc,
 * or its twin. */
enum options_result read_line(bool with_isolation, const char **line);

/* A file with this content, which is removed when the test program ends; its path. */
const char *file_of(const char *content);

/* Lines in the text. */
int lines_in(const char *text);

/* The environment of whoever runs the tests does not count; each test has a process of its own. */
void forget_environment(void);

#endif
