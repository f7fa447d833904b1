/*
 * hlog.h — HdrHistogram's log, format 1.3: a text file with a histogram per line and interval.
 *
 *   #[Histogram log format version 1.3]
 *   #[BaseTime: 1403476110.000 (seconds since epoch)]
 *   #[StartTime: 1403476110.000 (seconds since epoch), Sun Jun 22 22:28:30 UTC 2014]
 *   "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
 *   Tag=ok,0.000,1.000,12.345,HISTFAAA…
 *
 * Values are µs; Interval_Max is in ms ("outputValueUnitRatio 1000"), as HdrHistogram tells a
 * maximum: the upper end of its slot. Start times count from BaseTime.
 *
 * The format's home is the Java HdrHistogram: HistogramLogWriter and HistogramLogReader. No function
 * here keeps anything between calls; any thread, each with a FILE of its own.
 */
#ifndef LOADTEST_HLOG_H
#define LOADTEST_HLOG_H

#include <stdbool.h>
#include <stdio.h>

#include "../complaint.h"
#include "../engine/hist.h"

enum { HLOG_TAG_SIZE = 64 };

/* What a line says beside its histogram. Seconds; `start_s` since the epoch, where the log says
 * when it was begun, else since that unknown moment. An empty tag: the line has none. */
struct hlog_interval {
    char tag[HLOG_TAG_SIZE];
    double start_s, length_s;
};

/* Writes the lines above those of the intervals; the log begins at `start_s` (since the epoch).
 * Write errors stay in `out` (ferror). */
void hlog_write_header(FILE *out, double start_s);
/* Writes one line; `start_s` counts from that of the header here. False when memory ran out. */
bool hlog_write_line(FILE *out, const char *tag, double start_s, double length_s,
                     const struct hist *h);

/* Names the histogram that a line's values are to be added to; NULL, with the reason in `why`, ends
 * the reading. */
typedef struct hist *hlog_taker(void *context, const struct hlog_interval *interval,
                                struct complaint *why);

/* Reads a log to its end. False: in `why` are `name`, the line and what is wrong with it. Memory is
 * bounded, whatever the file holds. */
bool hlog_read(FILE *in, const char *name, hlog_taker *take, void *context, struct complaint *why);

#endif
