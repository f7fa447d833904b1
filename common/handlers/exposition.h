/*
 * exposition.h — writes Prometheus' text format, version 0.0.4: families of samples.
 *
 *      # HELP name words
 *      # TYPE name counter
 *      name{label="value"} 42
 *
 * Nothing is written as floating point: a module may have changed the locale, and with it the decimal
 * point. Times are in µs here, and in seconds in the text. Any worker, each with a buf of its own.
 */
#ifndef TANDEM_HANDLERS_EXPOSITION_H
#define TANDEM_HANDLERS_EXPOSITION_H

#include <stdint.h>

#include "../buf.h"
#include "../histogram.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The head of a family; `type` as in the format. */
void expose_family(struct buf *out, const char *name, const char *type, const char *help);
/* A sample of the family that was begun last. `name` is its name again; `labels` is what stands
 * between the braces, whole and escaped; "": none. */
void expose_sample(struct buf *out, const char *name, const char *labels, uint64_t value);
void expose_seconds(struct buf *out, const char *name, const char *labels, uint64_t microseconds);
/* Buckets, sum and count. */
void expose_histogram(struct buf *out, const char *name, const char *labels,
                      const struct histogram *h);

/* Families of one sample without a label. */
void expose_counter(struct buf *out, const char *name, const char *help, uint64_t value);
void expose_gauge(struct buf *out, const char *name, const char *help, uint64_t value);
void expose_seconds_total(struct buf *out, const char *name, const char *help,
                          uint64_t microseconds);

/* `value` as the inside of a label's quotes; it takes 2 * strlen + 1 bytes at most. Returns `out`. */
const char *expose_escape(const char *value, char *out);

#endif
