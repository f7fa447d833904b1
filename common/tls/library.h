/*
 * library.h — OpenSSL, woken up; and what it complains about, in words.
 *
 * Everything it wants to do once is done here, early: whoever serves may open no files later. It
 * reads no openssl.cnf: what is agreed to stands in policy.c, on each machine alike. It tidies nothing
 * up at exit(), which may come while other threads are in the middle of a handshake.
 */
#ifndef TANDEM_TLS_LIBRARY_H
#define TANDEM_TLS_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* Before anything else of OpenSSL; again is fine. False: it does not work on this machine. */
bool tls_library_wake(void);

/* The first error of this thread that OpenSSL has noted, in words; forgets all of them. Never NULL;
 * static memory, or strerror's. */
const char *tls_library_error(void);

/* Writes a line to `why`, and returns false: for `return tls_refuse(…)`. */
bool tls_refuse(char *why, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
