/*
 * log.h — the error log: one line an event, each of them whole.
 *
 * Errors and warnings go to stderr, the rest to stdout: a clean run leaves stderr empty. Any
 * process or thread may log. Nothing here allocates, waits or takes a lock, so a worker may die while
 * it logs.
 *
 * Whoever has a seat, that is, a ring of its own (log_ring.h), leaves the line there for the logger.
 * Others, and all before there are rings, write it themselves, if there is room for it at once.
 */
#ifndef TANDEM_LOG_H
#define TANDEM_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "log_ring.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Sets the program's name and what is worth a line. Called once, before any worker starts. */
void log_open(const char *program, enum log_level level);
/* What was said there. */
enum log_level log_threshold(void);
/* One line, whatever the values are: bytes that are no text are written as '?', and it is cut at 2 KiB. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* From now on there are these rings, for this process and those that come of it; NULL: none any more. */
void log_use(const struct log_rings *rings);

enum { SEAT_SUPERVISOR, SEAT_OPENER /* of the modules */, SEAT_WORKERS /* the first of them */ };
/* The calling thread writes to this ring from now on; what it forks does not. No two at a time may have
 * the same seat. */
void log_sit(size_t seat);

/* A line for the logger, up to its end ('\n'): at most LOG_LINE bytes. From a seat; without one, nothing
 * is done. */
void log_put(enum log_kind kind, const char *line, size_t length);

/* False: whoever reads what is written to `fd` is so far behind that a line would have to wait. The
 * error log drops it then: nobody's service must depend on somebody reading a log. */
bool log_has_room(int fd);

/* "SIGSEGV (Segmentation fault)", or "signal 42" where it has no name. Static memory per caller's
 * buffer: at least 64 bytes. Returns `out`. */
const char *log_signal(int number, char out[64]);

#endif
