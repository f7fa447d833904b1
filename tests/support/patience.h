/*
 * Time in tests: how long to wait, and how to wait for a condition instead of a moment.
 *
 * Every bound in a test is written for the release build on a quiet machine and goes through
 * patience(), which stretches it for sanitizers.  A test sleeps only where the passing of time is
 * itself what it tests.
 */
#ifndef TANDEM_TESTS_PATIENCE_H
#define TANDEM_TESTS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of the monotonic clock. */
int64_t now_ms(void);

/* Microseconds of the same. */
int64_t now_us(void);

/* The bound in milliseconds, stretched for the build under test (TANDEM_PRESET). */
int patience(int ms);

/* True when the servers are built with a sanitizer or for coverage: durations may then shrink. */
bool build_is_slow(void);

/* True when TANDEM_LONG=1 asks for the full length of the long tests. */
bool long_run(void);

/* Lets time pass; for clients that are slow on purpose, and between two looks at a condition. */
void pause_ms(int ms);

/* Looks every few milliseconds until holds(subject) is true; false when it is not within the
 * time. */
bool eventually(bool (*holds)(void *subject), void *subject, int ms);

/* Seconds for tcase_set_timeout: check's own limit, stretched likewise. */
double case_limit(double seconds);

#endif
