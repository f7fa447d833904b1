/*
 * units.h — what people write (5s, 64k, 1.5%) and what the program counts in; both directions.
 *
 * Everything is a pure function of its arguments and may be called by any thread.
 */
#ifndef LOADTEST_UNITS_H
#define LOADTEST_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

/* "500us", "20ms", "5s", "2m", "1h" or a bare number of seconds → nanoseconds; false if malformed,
 * negative or longer than ten years. */
bool parse_duration(const char *text, int64_t *ns);
/* A whole number from `low` to `high`; false otherwise. 10k and 2m are understood as thousands and
 * millions. */
bool parse_count(const char *text, int64_t low, int64_t high, int64_t *value);
/* Bytes: "1000", "64k", "16m" (of 1024 and 1024²); false otherwise, or above 1 TiB. */
bool parse_size(const char *text, int64_t *bytes);
/* A rate per second, from 0 to 100 million: "0.5", "1000", "10k", "1.5m"; false otherwise. */
bool parse_rate(const char *text, double *per_second);
/* "1%" or "0.5%" → 0.01, 0.005; false unless it is above 0 and at most 100 %. */
bool parse_share(const char *text, double *share);

/* Monotonic time in nanoseconds, and the CPU time used by the calling thread. */
int64_t now_ns(void);
int64_t thread_cpu_ns(void);

enum { SHORT_TEXT = 32 };
/* Three digits and a unit: "1.23 ms", "45.6 µs"; "-" for less than zero. Returns `out`. */
const char *format_us(double us, char out[SHORT_TEXT]);
/* A whole number with its thousands apart: "1,234,567". Returns `out`. */
const char *format_count(uint64_t n, char out[SHORT_TEXT]);
/* Bytes as "3.4 MiB". Returns `out`. */
const char *format_bytes(double bytes, char out[SHORT_TEXT]);

#endif
