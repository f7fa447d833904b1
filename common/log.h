/*
 * log.h — the error log: one line an event, one write(2) a line, so that no line is torn.
 *
 * Errors and warnings go to stderr, the rest to stdout: a clean run leaves stderr empty. Any
 * process or thread may log. Nothing here allocates or takes a lock, so a worker may die while it
 * logs.
 */
#ifndef TANDEM_LOG_H
#define TANDEM_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Sets the program's name and what is worth a line. Called once, before any worker starts. */
void log_open(const char *program, enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False: whoever reads what is written to `fd` is so far behind that a line would have to wait. The
 * error log drops it then: nobody's service must depend on somebody reading a log. */
bool log_has_room(int fd);

/* "SIGSEGV (Segmentation fault)", or "signal 42" where it has no name. Static memory per caller's
 * buffer: at least 64 bytes. Returns `out`. */
const char *log_signal(int number, char out[64]);

#endif
