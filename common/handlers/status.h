/*
 * status.h — the two forms of /status. Any worker, each with a buffer of its own.
 */
#ifndef TANDEM_HANDLERS_STATUS_H
#define TANDEM_HANDLERS_STATUS_H

#include <stdbool.h>

#include "../buf.h"
#include "figures.h"

enum { NONCE_SIZE = 33 }; /* with its NUL */

/* The page; `nonce` is what its own style and script are known by (CSP). Everything that comes from
 * clients is escaped. False: no memory. */
bool status_page(struct buf *out, const struct figures *f, const char nonce[NONCE_SIZE]);
/* The same as one JSON object. */
bool status_json(struct buf *out, const struct figures *f);

#endif
