/*
 * report_csv.c — the timeline for a spreadsheet or a plotter of one's own (RFC 4180, lines ended by
 * LF, decimal points; a value that does not exist is an empty field, never a zero).
 */
#include <inttypes.h>

#include "report.h"

/* The due rate is known in the open loop only; there was no latency where nobody was answered. */
static void csv_row(FILE *out, const struct result *r, size_t i)
{
    const struct timeline_row *row = &r->timeline.rows[i];
    fprintf(out, "%zu,%u,", i * r->timeline.row_seconds, r->timeline.row_seconds);
    if (r->rate > 0)
        fprintf(out, "%.10g", result_due_rate(r, i));
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, row->ok, row->failed, row->injected);
    if (row->ok > 0)
        fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64, row->p50_us, row->p99_us, row->max_us);
    else
        fputs(",,,", out);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 "\n", row->tls_full, row->tls_resumed);
}

void report_csv(FILE *out, const struct result *r)
{
    fputs("second,row_seconds,due_per_second,ok,failed,injected,p50_us,p99_us,max_us,"
          "tls_full,tls_resumed\n",
          out);
    for (size_t i = 0; i < r->timeline.count; i++)
        csv_row(out, r, i);
}
