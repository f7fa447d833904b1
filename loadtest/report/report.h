/*
 * report.h — telling: the same result as text for people, as JSON for programs, as CSV for tables.
 *
 * Reports read results and know nothing of engines, clients or targets.
 */
#ifndef LOADTEST_REPORT_H
#define LOADTEST_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include "../expect.h"
#include "../result.h"
#include "json.h"

/* What was done, in one line without an end: "open loop, 64 connections, …". */
void report_plan(char *text, size_t room, const struct result *r);
void report_text(FILE *out, const struct result *r, const struct expectation *expectations,
                 size_t expectation_count);
/* The members of one result, inside an object that the caller opens and closes. */
void report_json_members(struct json *j, const struct result *r);
/* Two of them by themselves, for documents that sum up several results. */
void report_json_requests(struct json *j, const struct ledger *l);
void report_json_latency(struct json *j, const char *key, const struct hist *h);
/* What faults cost: delay to victims, recovery, goodput lost; a part of the two above. */
void recovery_text(FILE *out, const struct result *r);
void recovery_json(struct json *j, const struct result *r);
/* The server's own side, where it was asked for it; likewise. */
void server_text(FILE *out, const struct result *r);
void server_json(struct json *j, const struct result *r);
/* The first members of every document: schema, document ("run", "demo", "compare", "primitives",
 * "merge"), command, version and the machine. What the members mean and what units they have is in result.schema.json. */
void report_json_head(struct json *j, const char *document, const char *command);
/* A whole document. */
void report_json(FILE *out, const struct result *r, const struct expectation *expectations,
                 size_t expectation_count);
/* One row per second, below a line that names the columns:
 *
 *   second          since the start of the measured run
 *   row_seconds     what the row is about: 1, or 2, 4, … s in a run of more than 4,096 s
 *   due_per_second  the schedule; empty in the closed loop
 *   ok, failed      innocent requests that ended in it
 *   injected        injected requests that ended in it, in whatever way
 *   p50_us, p99_us, max_us   corrected latency of the ok ones; empty when there was none */
void report_csv(FILE *out, const struct result *r);

#endif
