/*
 * progress.c — see progress.h.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "units.h"

void progress_init(struct progress *p, bool on, const char *label)
{
    *p = (struct progress){.on = on, .terminal = isatty(STDERR_FILENO), .label = label};
}

static void line(struct progress *p, const char *text)
{
    if (!p->on)
        return;
    fprintf(stderr, "%s%s%s%s%s", p->terminal ? "\r\033[K" : "", p->label ? p->label : "",
            p->label ? ": " : "", text, p->terminal ? "" : "\n");
    fflush(stderr);
    p->dirty = p->terminal;
}

void progress_phase(struct progress *p, const char *text)
{
    line(p, text);
}

void progress_second(struct progress *p, struct timeline *t, int64_t index)
{
    struct timeline_row row;
    char text[160], ok[SHORT_TEXT], p99[SHORT_TEXT];
    if (!p->on)
        return;
    timeline_peek(t, index, &row);
    snprintf(text, sizeof text,
             "%4" PRId64 " s  %9s ok/s  p99 %9s  failed %" PRIu64 "  injected %" PRIu64, index + 1,
             format_count(row.ok / t->row_seconds, ok), format_us((double)row.p99_us, p99),
             row.failed, row.injected);
    line(p, text);
}

void progress_end(struct progress *p)
{
    if (p->dirty)
        fputs("\r\033[K", stderr);
    p->dirty = false;
}
