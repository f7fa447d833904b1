/*
 * admin.h — what the handlers of --admin have in common: the server they tell of.
 */
#ifndef TANDEM_HANDLERS_ADMIN_H
#define TANDEM_HANDLERS_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "../handler.h"
#include "../server.h"

struct admin {
    const struct server *server;
    uint64_t memory; /* bytes of this machine: no worker uses more */
};

extern struct admin admin; /* set by admin_configure(), before the first worker */

/* True when all workers live in the process that answers. */
bool admin_is_one_process(void);
/* "none", "pool" or "fresh". */
const char *admin_isolation(void);

/* The handlers. */
int metrics(const struct request *req, struct response *res, void *state);
int status(const struct request *req, struct response *res, void *state);
int healthz(const struct request *req, struct response *res, void *state);
int readyz(const struct request *req, struct response *res, void *state);

#endif
