/*
 * infile.h — files that options name: read whole, and for those of lines, line by line.
 *
 * Used before a run, by the main thread.
 */
#ifndef LOADTEST_INFILE_H
#define LOADTEST_INFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "../complaint.h"

enum { INFILE_NAME_MAX = 4096 };

/* The name of a file as one in `folder` says it; with folder NULL, and for an absolute name, the
 * name itself. False when the whole is too long. */
bool infile_beside(const char *folder, const char *name, char out[INFILE_NAME_MAX],
                   struct complaint *why);
/* The whole file, with a NUL after its `*length` bytes; to be freed by the caller. NULL when it
 * cannot be read or is larger than `most` bytes. */
char *infile_read(const char *name, size_t most, size_t *length, struct complaint *why);

/* Goes through a text, which it cuts into lines. */
struct lines {
    char *at;
    unsigned number; /* of the line last returned; the first is 1 */
};

/* The next line that holds something, without the white space around it; blank ones, and those that
 * begin with #, are passed over. NULL: there is none. */
char *lines_next(struct lines *l);
/* Cuts the first word off `*text`, which then points at what follows it; "" when nothing does. */
char *word_next(char **text);

#endif
