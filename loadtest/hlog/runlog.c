/*
 * runlog.c — seconds are taken out of the timeline as they pass, so the size is fixed.
 */
#include "runlog.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../units.h"
#include "hlog.h"

struct runlog {
    FILE *out;
    const char *name; /* the caller's */
    bool starved;     /* memory ran out for a line */
    struct hist second;
    struct hist written; /* all lines tagged "ok" together */
};

struct runlog *runlog_open(const char *name, struct complaint *why)
{
    struct runlog *log = calloc(1, sizeof *log);
    if (!log) {
        complain(why, "out of memory");
        return NULL;
    }
    log->name = name;
    log->out = fopen(name, "w");
    if (log->out)
        return log;
    complain(why, "cannot write %s: %s", name, strerror(errno));
    free(log);
    return NULL;
}

void runlog_begin(struct runlog *log, int64_t start_ns)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    double now_s = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9;
    hlog_write_header(log->out, now_s + (double)(start_ns - now_ns()) / 1e9);
}

static void write_line(struct runlog *log, const char *tag, double start_s, double length_s,
                       const struct hist *h)
{
    if (h->total > 0 && !hlog_write_line(log->out, tag, start_s, length_s, h))
        log->starved = true;
    fflush(log->out); /* whoever reads along, or finds the log of a run that was killed */
}

/* Of a run that is `seconds` long, the last second may be shorter than one. */
static void write_seconds(struct runlog *log, struct timeline *t, int64_t before, double seconds)
{
    int64_t second;
    while (timeline_take(t, before, &second, &log->second)) {
        double left = seconds - (double)second;
        write_line(log, "ok", (double)second, left > 0 && left < 1 ? left : 1, &log->second);
        hist_merge(&log->written, &log->second);
    }
}

void runlog_follow(struct runlog *log, struct timeline *t, int64_t second)
{
    write_seconds(log, t, second, (double)second);
}

/* What the timeline had to let go before it was taken (this process was kept from the CPU for
 * seconds) belongs to no second any more, but is part of the run. */
static void write_missed(struct runlog *log, const struct hist *all, double seconds)
{
    struct hist *missed = &log->second;
    hist_clear(missed);
    for (unsigned i = 0; i < HIST_SLOTS; i++)
        hist_add_range(missed, hist_slot_lowest_us(i), hist_slot_highest_us(i),
                       all->count[i] - log->written.count[i]);
    write_line(log, "ok", 0, seconds, missed);
}

void runlog_finish(struct runlog *log, struct timeline *t, const struct tally *tally,
                   double seconds)
{
    static const struct {
        const char *tag;
        size_t offset;
    } classes[] = {
        {"raw", offsetof(struct tally, raw)},
        {"failed", offsetof(struct tally, failed)},
        {"injected", offsetof(struct tally, injected)},
        {"censored", offsetof(struct tally, censored)},
        {"slip", offsetof(struct tally, slip)},
    };
    write_seconds(log, t, INT64_MAX, seconds);
    write_missed(log, &tally->corrected, seconds);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        const void *h = (const char *)tally + classes[i].offset;
        write_line(log, classes[i].tag, 0, seconds, h);
    }
}

bool runlog_close(struct runlog *log, struct complaint *why)
{
    bool good = !log->starved || complain(why, "%s is not whole: out of memory", log->name);
    bool failed = ferror(log->out) != 0;
    if (fclose(log->out) != 0 || failed)
        good = complain(why, "cannot write %s: %s", log->name, strerror(errno));
    free(log);
    return good;
}
