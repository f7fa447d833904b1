/*
 * outbox.h — the rest of an answer that the socket does not take at once.
 *
 * It waits in the connection's slot as descriptor, offset and length, so that any worker can finish
 * it: what was in memory is put into a memfd first. A memfd given to sendfile is never written
 * again, for its pages still belong to the socket.
 *
 * All calls are for the owner of the connection, in phase SEND.
 */
#ifndef TANDEM_OUTBOX_H
#define TANDEM_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "conn.h"

enum outbox_result {
    OUTBOX_SENT,  /* nothing is left */
    OUTBOX_FULL,  /* the socket takes no more now */
    OUTBOX_TURN,  /* it would, but others have waited long enough */
    OUTBOX_BROKEN /* the client is gone, or the file is shorter than promised: reset */
};

#define OUTBOX_NO_PROMISE INT64_MIN
/* When the file was last modified (ns since 1970), for a part of it that reaches to `end`;
 * OUTBOX_NO_PROMISE: it is not that long. */
int64_t outbox_promise(int fd, uint64_t end);

bool outbox_is_empty(const struct conn *c);
/* Sends n bytes, then `part` (fd -1: nothing), in this order. Takes over part.fd. */
enum outbox_result outbox_send(struct conn *c, int fd, const void *bytes, size_t n,
                               struct conn_part part);
/* Goes on with what waits. */
enum outbox_result outbox_continue(struct conn *c, int fd);
/* Closes what waits. */
void outbox_drop(struct conn *c);

#endif
