/*
 * demo_html.c — the demonstration as a page: its table, its words, and the three subjects side by
 * side, steady first and then under fault.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../report/report_html.h"
#include "../units.h"
#include "demo_result.h"

enum { COLUMNS = 9, ROWS = SUBJECTS * RUNS, CELL = SHORT_TEXT };

/* The texts of the table, and what points at them. */
struct table {
    char text[ROWS][COLUMNS][CELL];
    const char *cells[ROWS * COLUMNS];
};

static void fill_row(char row[COLUMNS][CELL], const struct demo_subject *s, size_t kind,
                     const char *phase)
{
    const struct demo_run *run = &s->runs[kind];
    const struct result *r = &run->result;
    char n[SHORT_TEXT];
    snprintf(row[0], CELL, "%.10s, %.18s", s->name, phase);
    if (!run->done) {
        snprintf(row[1], CELL, "not measured");
        return;
    }
    format_count((uint64_t)(r->rps + 0.5), row[1]);
    format_us((double)hist_quantile_us(&r->tally->corrected, 0.5), row[2]);
    format_us((double)hist_quantile_us(&r->tally->corrected, 0.99), row[3]);
    if (kind == STEADY)
        snprintf(row[4], CELL, "(%.20s)", format_count(r->victims.total, n));
    else
        format_count(r->victims.total, row[4]);
    snprintf(row[5], CELL, "%.2f s", r->without_service_s);
    if (kind == FAULTY)
        format_count(r->tally->fate.answered_5xx_kept, row[6]);
    format_us(run->cpu_us, row[7]);
    if (run->memory > 0)
        snprintf(row[8], CELL, "%.24s%s", format_bytes((double)run->memory, n),
                 run->memory_of_workers ? " *" : "");
    else
        snprintf(row[8], CELL, "unknown");
}

static void fill(struct table *t, const struct demo *d, const char *const phases[RUNS])
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < ROWS; i++)
        fill_row(t->text[i], &d->subjects[i / RUNS], i % RUNS, phases[i % RUNS]);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        t->cells[i] = t->text[i / COLUMNS][i % COLUMNS];
}

static void describe(const struct demo *d, char *text, size_t room)
{
    const struct demo_options *o = d->options;
    char pinned[64] = "server and client share the CPUs";
    if (o->elsewhere)
        snprintf(pinned, sizeof pinned, "the servers run elsewhere");
    else if (d->server_cpu >= 0)
        snprintf(pinned, sizeof pinned, "each server on CPU %d alone", d->server_cpu);
    snprintf(text, room,
             "%u keep-alive connections, a file of 1 KiB, %.3g s a run, closed loop, %s",
             o->connections, (double)o->duration_ns / 1e9, pinned);
}

static void write_page(FILE *out, const struct demo *d, const struct table *t,
                       const char *const phases[RUNS], const char *findings)
{
    static const char *const heads[COLUMNS] = {
        "server and load", "per second", "p50",         "p99",   "victims",
        "no service",      "5xx, kept",  "CPU/request", "memory"};
    struct html_run runs[SUBJECTS][RUNS];
    struct html_subject subjects[SUBJECTS];
    char subtitle[256];
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_subject *s = &d->subjects[i];
        for (size_t k = 0; k < RUNS; k++)
            runs[i][k] = (struct html_run){phases[k], s->runs[k].done ? &s->runs[k].result : NULL};
        subjects[i] = (struct html_subject){s->name, s->trouble.text, runs[i], RUNS};
    }
    struct html_grid grid = {
        "The three side by side",
        "Requests answered well per second; median and 99th percentile of their latency, counted "
        "from when they were due. Victims: innocent requests that failed, were cut off, or took "
        "longer than ten times the steady p99, less those of the steady run (in brackets). No "
        "service: time in which nobody was answered well. 5xx, kept: poisoned requests that got a "
        "clean 5xx on a connection that stayed usable. CPU: the server's own, its dead children's "
        "included. Memory: PSS of all its processes, shared pages counted once; with * of its "
        "workers alone, as they tell.",
        heads,
        COLUMNS,
        t->cells,
        ROWS};
    describe(d, subtitle, sizeof subtitle);
    report_html_compare(
        out, &(struct html_comparison){.title = "Threads, processes, a process for each request",
                                       .subtitle = subtitle,
                                       .findings = findings,
                                       .subjects = subjects,
                                       .subject_count = SUBJECTS,
                                       .grids = &grid,
                                       .grid_count = 1});
}

void demo_html(FILE *out, const struct demo *d)
{
    char faulty[64], *findings = NULL;
    size_t length;
    struct table table;
    snprintf(faulty, sizeof faulty, "%g %% %.40s", 100 * d->options->share, d->options->kind);
    const char *const phases[RUNS] = {[STEADY] = "steady", [FAULTY] = faulty};
    fill(&table, d, phases);
    FILE *text = open_memstream(&findings, &length);
    if (text) {
        demo_findings(text, d);
        fclose(text);
    }
    write_page(out, d, &table, phases, findings);
    free(findings);
}
