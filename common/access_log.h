/*
 * access_log.h — one line per request, the dead ones included (then written by whoever answered).
 *
 * A line is made here and left in the ring of the one who calls (log.h), for the logger to write: it is
 * never torn, nobody waits, and where it finds no room, it is counted as dropped. Any worker may write,
 * and the keeper.
 *
 *      combined   as Apache and nginx have it: peer, time, request line, status, bytes, referer, agent
 *      json       one object a line, times in µs; what is not known is left out
 */
#ifndef TANDEM_ACCESS_LOG_H
#define TANDEM_ACCESS_LOG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log_ring.h"
#include "options.h"
#include "tls_facts.h"

struct access_log {
    bool is_on;
    enum log_format format;
};

struct access_entry {
    const struct sockaddr_in6 *peer;
    const char *line; /* the request line as it came; may hold anything: escaped, cut at 1 KiB */
    size_t line_len;
    int status;
    uint64_t bytes; /* of the body */
    int64_t microseconds;
    const char *id;
    const char *referer; /* not terminated; NULL: none */
    size_t referer_len;
    const char *agent;
    size_t agent_len;
    /* JSON only, from here on */
    unsigned worker;             /* its number, from 1; 0: none has seen it */
    int pid;                     /* of its process; 0: it shares one */
    int64_t cpu;                 /* µs of CPU time that the handler has used; -1: not known */
    const char *route;           /* NULL: none has it */
    const struct tls_facts *tls; /* NULL: it came plainly */
    const char *cause;           /* why the request died; NULL: it did not */
};

/* "off" is none. */
void access_log_open(struct access_log *log, const char *path, enum log_format format);
/* Whether lines tell of CPU time, which it takes system calls to know. */
bool access_log_tells_cpu(const struct access_log *log);
void access_log_write(const struct access_log *log, const struct access_entry *entry);
/* The line of `entry` at `when`, with its end, in `out`. Returns its length: one that would be longer has
 * its values cut shorter still. */
size_t access_log_line(const struct access_log *log, const struct access_entry *entry,
                       const struct timespec *when, char out[LOG_LINE]);

#endif
