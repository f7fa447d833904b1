/*
 * runlog.h — --hlog: a run as a log of histograms, one line per second while it goes on.
 *
 * The lines tagged "ok" are the corrected latencies of the innocent requests that were answered
 * well, second by second; together they are those of the whole run, exactly. Each of the other
 * histograms (raw, failed, injected, censored, slip) is one line for the whole run, unless empty.
 * So adding up all lines of a tag counts every request once.
 *
 * One thread, that which waits for the run. It writes; the sending threads do not wait for the disk.
 */
#ifndef LOADTEST_RUNLOG_H
#define LOADTEST_RUNLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "../complaint.h"
#include "../engine/tally.h"
#include "../engine/timeline.h"

struct runlog;

/* Creates the file, before the run, so that a bad name costs none. NULL, with the reason in `why`,
 * when that cannot be done. */
struct runlog *runlog_open(const char *name, struct complaint *why);
/* The measured run begins at `start_ns` (monotonic). */
void runlog_begin(struct runlog *log, int64_t start_ns);
/* Writes the seconds before `second` that are in the timeline and were not written yet. */
void runlog_follow(struct runlog *log, struct timeline *t, int64_t second);
/* The run is over, `t` and `tally` are complete, and it was `seconds` long: writes all the rest. */
void runlog_finish(struct runlog *log, struct timeline *t, const struct tally *tally,
                   double seconds);
/* Closes the file and frees the log. False when anything could not be written: the file is then not
 * whole. */
bool runlog_close(struct runlog *log, struct complaint *why);

#endif
