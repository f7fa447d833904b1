/*
 * access_log.h — one line per request, the dead ones included (then written by whoever answered).
 *
 * Each line is one write(2) to a file opened for appending, so that lines of several workers never
 * mix, and no lock is held that a dying worker could keep. Any worker may write.
 */
#ifndef TANDEM_ACCESS_LOG_H
#define TANDEM_ACCESS_LOG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "tls_facts.h"

struct access_log {
    int fd; /* -1: off */
    enum log_format format;
};

struct access_entry {
    const struct sockaddr_in6 *peer;
    const char *line; /* the request line as it came; may hold anything: escaped, cut at 2 KiB */
    size_t line_len;
    int status;
    uint64_t bytes; /* of the body */
    int64_t microseconds;
    const char *id;
    const char *referer; /* not terminated; NULL: none */
    size_t referer_len;
    const char *agent;
    size_t agent_len;
    const struct tls_facts *tls; /* NULL: it came plainly (JSON only) */
    bool may_be_dropped; /* rather than wait: it is written by whoever keeps the workers alive */
    const char *cause;   /* why the request died; NULL: it did not (JSON only) */
};

/* False: `path` cannot be opened (errno). "-" is stdout, "off" is none. */
bool access_log_open(struct access_log *log, const char *path, enum log_format format);
void access_log_write(const struct access_log *log, const struct access_entry *entry);
void access_log_close(struct access_log *log);

#endif
