/*
 * probes.c — /healthz and /readyz, for whoever restarts a server or sends it clients.
 *
 * That a worker answers is what /healthz is about, so it says no more than that. A server that drains
 * lives, and is not ready.
 */
#include "admin.h"

int healthz(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    return response_write(res, "ok\n", 3) ? 0 : 500;
}

int readyz(const struct request *req, struct response *res, void *state)
{
    (void)req, (void)state;
    if (!atomic_load(&admin.server->board->draining))
        return response_write(res, "ready\n", 6) ? 0 : 500;
    response_status(res, 503);
    return response_write(res, "draining\n", 9) ? 0 : 500;
}
