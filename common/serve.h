/*
 * serve.h — the waist: the loop that every worker of both servers runs.
 */
#ifndef TANDEM_SERVE_H
#define TANDEM_SERVE_H

#include <stdbool.h>

#include "worker.h"

/* Serves until the server is drained, the worker has served its share, or it is disowned for
 * good. */
void serve(struct worker *w);

/* One event at most, waiting for it `timeout` ms at most (-1: as long as it takes). False: this
 * worker is to go. */
bool serve_once(struct worker *w, int timeout);

/* For the keeper: accepts one connection in the workers' place, and hands it on to them. False: there is
 * none, or there are too many. */
bool serve_let_in(struct server *s, int listener, enum listener_kind kind);

/* Tags of epoll events that are no connection. */
uint64_t serve_listener_tag(int fd, enum listener_kind kind);
uint64_t serve_retire_tag(void);

#endif
