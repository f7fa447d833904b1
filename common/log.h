/*
 * log.h — the error log: one line an event, one write(2) a line, so that no line is torn.
 *
 * Errors and warnings go to stderr, the rest to stdout: a clean run leaves stderr empty. Any
 * process or thread may log. Nothing here allocates or takes a lock, so a worker may die while it
 * logs.
 */
#ifndef TANDEM_LOG_H
#define TANDEM_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Sets the program's name and what is worth a line. Called once, before any worker starts. */
void log_open(const char *program, enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "SIGSEGV (Segmentation fault)", or "signal 42" where it has no name. Static memory per caller's
 * buffer: at least 64 bytes. Returns `out`. */
const char *log_signal(int number, char out[64]);

#endif
