/*
 * client.h — who the client of a connection is, and of a request: mostly the peer, but not when that is a
 * trusted proxy, which speaks for others.
 *
 *      accepted ── client_meet ──▶ the peer is the client
 *                      │
 *                      │ of --trusted-proxy: CONN_TRUSTED
 *                      ├─────────────────▶ for each request: what its fields say (client_find, forwarded.h)
 *                      │
 *                      │ … and --proxy-protocol: CONN_PROXIED
 *                      └─────────────────▶ first of all: a header (client_hear_proxy, proxy_header.h); whom
 *                                          it names is the peer from then on, perhaps a trusted proxy, too
 *
 * With neither option this costs two tests a connection and one a request.
 *
 * For the owner of the connection.
 */
#ifndef TANDEM_CLIENT_H
#define TANDEM_CLIENT_H

#include "worker.h"

/* Its flags and its peer stand in its slot since a moment ago. */
void client_meet(struct server *s, struct conn *c);
/* Of a CONN_PROXIED one, after each event: NEXT_AGAIN when the header is read, and its client's bytes come
 * next. The deadline is that of what would be waited for otherwise. */
enum next client_hear_proxy(struct worker *w, struct conn *c);
/* Sets the client of w->request. */
void client_find(struct worker *w, const struct conn *c);

#endif
