/*
 * urls.h — the file of --urls: one URL under load per line.
 *
 *   [WEIGHT] [METHOD] URL        # a comment
 *
 * WEIGHT is a number above 0 (1): how often this URL is asked for, against the others. METHOD is that
 * of --method when it is left out; a line that names GET or HEAD sends no body.
 */
#ifndef LOADTEST_URLS_H
#define LOADTEST_URLS_H

#include <stdbool.h>
#include <stddef.h>

#include "../complaint.h"

enum { MAX_LISTED_URLS = 10000 };

/* One URL under load. Its texts are not owned. */
struct aim {
    const char *url;
    const char *method; /* NULL: that of the dress */
    double weight;
    const char *file; /* where it was read, for complaints; NULL: the command line */
    unsigned line;
};

struct url_list {
    struct aim *aims; /* owned, as is what they point to */
    size_t count;
    char *text, *file;
};

/* Reads the file; replaces what was in the list. False: `why` names file and line. The URLs
 * themselves are looked at by target_build(). */
bool url_list_read(struct url_list *list, const char *file, struct complaint *why);
void url_list_free(struct url_list *list);

#endif
