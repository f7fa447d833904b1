/*
 * clock.h — the two clocks: one that only goes forward (deadlines), one for people (dates, logs).
 * Any thread or process may call these.
 */
#ifndef TANDEM_CLOCK_H
#define TANDEM_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_ms(void); /* monotonic, milliseconds; comparable between the processes of one host */
int64_t clock_us(void); /* monotonic, microseconds */

int64_t clock_cpu(clockid_t clock); /* ns that a process or thread has used; -1: it is gone */

enum { HTTP_DATE_SIZE = 30 };
/* "Sun, 06 Nov 1994 08:49:37 GMT" with its NUL (RFC 9110 §5.6.7), whatever the locale says. What
 * lies before the year 0 or behind 9999 is written as the first or the last moment between. */
void http_date(time_t when, char out[HTTP_DATE_SIZE]);
/* All three forms that a client may send; -1 for anything else, and for days that no month has. */
time_t http_date_parse(const char *text, size_t length);

#endif
