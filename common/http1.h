/*
 * http1.h — from the bytes of a head to a request (RFC 9112 §2–§6). The only user of llhttp.
 *
 * Stateless: a head that has half arrived waits as bytes, and is parsed once when it is whole. So
 * nothing of the parser needs to live in shared memory.
 */
#ifndef TANDEM_HTTP1_H
#define TANDEM_HTTP1_H

#include <stddef.h>

#include "options.h"
#include "request.h"

enum { HTTP1_OK = 0, HTTP1_MORE = -1 };

/* Reads one head from in[0 … n). HTTP1_OK: *r is filled, its spans point into `in`, r->head_len
 * bytes are used; a body, if any, follows. HTTP1_MORE: so far it is a good beginning. Else the
 * status to refuse it with; the framing is then in doubt and the connection must close. */
int http1_parse(const struct options *o, const char *in, size_t n, struct request *r);

#endif
