/*
 * stream.h — an answer that goes out while its handler still runs: response_flush() in a worker.
 *
 * The one case in which a worker waits for a client: until there is room, --write-timeout at most.
 * The time it waits is not the handler's: the deadline of the request moves by it.
 *
 *      RUN ── first flush: head ──▶ SEND ── chunks ──▶ … ── the handler returns: last chunk
 *
 * The connection is in phase SEND from the head on, so a handler that dies now leaves a reset
 * behind, and half an answer never looks whole.
 */
#ifndef TANDEM_STREAM_H
#define TANDEM_STREAM_H

#include "worker.h"

/* For struct response: `worker` owns the connection it runs a request of (worker->conn). False: the
 * client has gone, or the connection has been taken away. */
bool stream_flush(struct response *r, void *worker);
/* The handler has returned, and what it had written is out, if `is_whole`: the end of the stream, or
 * of the connection. The connection is ours, in phase SEND. */
enum next stream_end(struct worker *w, struct conn *c, bool is_whole);

#endif
