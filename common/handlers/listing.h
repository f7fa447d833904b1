/*
 * listing.h — a page that shows what is in a folder.
 *
 * For a handler, in a worker. Hidden and special files are not shown; names are escaped twice over, as
 * a path in the link and as text.
 */
#ifndef TANDEM_LISTING_H
#define TANDEM_LISTING_H

#include "../handler.h"
#include "beneath.h"

enum { LISTING_LIMIT = 10000 /* entries; the page says when there are more */ };

/* Makes the answer from the folder `name` below the root, whose path as the client knows it is `path`,
 * with a slash at its end. Returns 0 or a status. */
int listing_answer(const struct beneath *b, const char *name, const char *path,
                   struct response *res);

#endif
