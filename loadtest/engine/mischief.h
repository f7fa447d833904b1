/*
 * mischief.h — wire faults: what ill-behaved clients do to a server. Each is done on a connection
 * of its own, so that no innocent request shares it.
 *
 *   kind            what it does                                      ends with
 *   drip            the request, one byte every 100 ms                answer, or --timeout
 *   half-close      the request, then FIN; it still reads             answer, or --timeout
 *   reset-request   half of the request, then RST                     abandoned
 *   reset-response  the request; RST at the answer's first byte       abandoned, or --timeout
 *   garbage         bytes that are no HTTP                            answer, or --timeout
 *   stalled-reader  the request; reads nothing, with a tiny buffer    abandoned by RST at --timeout
 *
 * unless the server ends the connection before. A loss is judged as any other request's.
 *
 *   IDLE ─▶ CONNECTING ─▶ HANDSHAKE ─▶ TALKING ─▶ SAID ─▶ IDLE
 *                 └──────────┴────────────┴─── loss, time-out ──▶ IDLE
 *
 * Those under way in one thread are its gang: GANG_SIZE at most, so that memory is bounded. They
 * have an epoll of their own, which is itself one descriptor in the thread's: the clients' events
 * need no mark to be told apart from theirs.
 */
#ifndef LOADTEST_MISCHIEF_H
#define LOADTEST_MISCHIEF_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

enum { GANG_SIZE = 256 };

/* The kind of that name; NULL when there is none. */
const struct mischief_kind *mischief_kind(const char *name);

struct gang;

/* Shares the crew's buffer, time-out and `ended`, which is called once for each that was started;
 * its epoll is registered with the crew's under a NULL pointer. The crew must outlive it. NULL when
 * memory or descriptors run out. */
struct gang *gang_new(struct client_crew *crew);
void gang_free(struct gang *g);
/* Whether one more can be started. */
bool gang_has_room(const struct gang *g);
/* Starts what flight->shot->mischief says; only while there is room. `ended` is called for it,
 * perhaps at once. */
void gang_start(struct gang *g, const struct endpoint *endpoint, const struct flight *flight,
                int64_t now_ns);
/* The crew's epoll has reported a NULL pointer. */
void gang_on_event(struct gang *g);
/* Does what is due; to be called every few milliseconds. */
void gang_check(struct gang *g, int64_t now_ns);
/* At the end of a run: hands each that is under way to `left`, and breaks it off. */
void gang_abandon(struct gang *g, void (*left)(void *context, const struct flight *flight));

#endif
