/*
 * exposition.c — see exposition.h.
 */
#include "exposition.h"

#include <inttypes.h>
#include <stdio.h>

void expose_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void begin(struct buf *out, const char *name, const char *labels)
{
    if (*labels)
        buf_printf(out, "%s{%s} ", name, labels);
    else
        buf_printf(out, "%s ", name);
}

static void end_seconds(struct buf *out, uint64_t us)
{
    buf_printf(out, "%" PRIu64 ".%06u\n", us / 1000000, (unsigned)(us % 1000000));
}

void expose_sample(struct buf *out, const char *name, const char *labels, uint64_t value)
{
    begin(out, name, labels);
    buf_printf(out, "%" PRIu64 "\n", value);
}

void expose_seconds(struct buf *out, const char *name, const char *labels, uint64_t microseconds)
{
    begin(out, name, labels);
    end_seconds(out, microseconds);
}

/* One bucket, up to 2^bits µs; 0: all. */
static void bucket(struct buf *out, const char *name, const char *labels, unsigned bits,
                   uint64_t count)
{
    uint64_t us = (uint64_t)1 << bits;
    buf_printf(out, "%s_bucket{%s%sle=\"", name, labels, *labels ? "," : "");
    if (bits == 0)
        buf_text(out, "+Inf");
    else
        buf_printf(out, "%" PRIu64 ".%06u", us / 1000000, (unsigned)(us % 1000000));
    buf_printf(out, "\"} %" PRIu64 "\n", count);
}

void expose_histogram(struct buf *out, const char *name, const char *labels,
                      const struct histogram *h)
{
    char part[128];
    uint64_t count = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        bool is_last = i == HISTOGRAM_BUCKETS - 1;
        count += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        bucket(out, name, labels, is_last ? 0 : HISTOGRAM_LEAST + i, count);
    }
    snprintf(part, sizeof part, "%s_sum", name);
    expose_seconds(out, part, labels, atomic_load_explicit(&h->sum, memory_order_relaxed));
    snprintf(part, sizeof part, "%s_count", name);
    expose_sample(out, part, labels, count);
}

void expose_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    expose_family(out, name, "counter", help);
    expose_sample(out, name, "", value);
}

void expose_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    expose_family(out, name, "gauge", help);
    expose_sample(out, name, "", value);
}

void expose_seconds_total(struct buf *out, const char *name, const char *help,
                          uint64_t microseconds)
{
    expose_family(out, name, "counter", help);
    expose_seconds(out, name, "", microseconds);
}

const char *expose_escape(const char *value, char *out)
{
    char *to = out;
    for (; *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            *to++ = '\\';
        *to++ = *value == '\n' ? 'n' : *value;
    }
    *to = '\0';
    return out;
}
