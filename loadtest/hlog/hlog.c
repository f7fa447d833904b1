/*
 * hlog.c — writing the log. A line is whole or not there: it is made in memory first.
 */
#include "hlog.h"

#include <stdlib.h>
#include <time.h>

#include "hdrcode.h"

#define US_PER_MS 1e3

void hlog_write_header(FILE *out, double start_s)
{
    char date[64];
    struct tm utc;
    time_t seconds = (time_t)start_s;
    if (!gmtime_r(&seconds, &utc) || !strftime(date, sizeof date, "%a %b %d %H:%M:%S UTC %Y", &utc))
        date[0] = '\0';
    fprintf(out,
            "#[Written by loadtest " TANDEM_VERSION "; values in microseconds]\n"
            "#[Histogram log format version 1.3]\n"
            "#[BaseTime: %.3f (seconds since epoch)]\n"
            "#[StartTime: %.3f (seconds since epoch), %s]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"\n",
            start_s, start_s, date);
}

bool hlog_write_line(FILE *out, const char *tag, double start_s, double length_s,
                     const struct hist *h)
{
    char *text = hdr_encode(h);
    if (!text)
        return false;
    int64_t max_us = h->total > 0 ? hist_slot_highest_us(hist_slot_of(h->max_us)) : 0;
    fprintf(out, "%s%s%s%.3f,%.3f,%.3f,%s\n", tag[0] ? "Tag=" : "", tag, tag[0] ? "," : "", start_s,
            length_s, (double)max_us / US_PER_MS, text);
    free(text);
    return true;
}
