/*
 * health.h — `--health`: how is the server that runs with these very options?
 *
 * For the health checks of container engines and the like, in an image that holds no other program:
 *
 *      --admin          GET /healthz there: well when the answer is 200
 *      no --admin       GET / on the first --listen: well when any answer comes that is not a 5xx
 *      --tls-listen only  the same there, where plain HTTP is answered 400 (and no session is made)
 *      --proxy-protocol   with a PROXY header before it, where our own address is that of a trusted proxy
 *
 * A server that drains is well, and not ready: that is /readyz, for whoever hands out work.
 */
#ifndef TANDEM_HEALTH_H
#define TANDEM_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

enum { HEALTH_PATIENCE = 2000 /* ms: until its status line is there, connecting included */ };

/* Asks, and waits HEALTH_PATIENCE at most. `line` (of `size` bytes) tells what came out. Main thread,
 * before anything is opened; leaves no descriptor behind. */
bool health_ask(const struct options *o, char *line, size_t size);

#endif
