/*
 * demo_scenarios_html.c — the scenarios as a page: each with its table, its words, and the three
 * subjects side by side on one time axis.
 */
#include <stdlib.h>

#include "../report/report_html.h"
#include "demo_cells.h"
#include "demo_scenarios.h"

enum { COLUMNS = 1 + DEMO_CELLS };

/* One scenario, and all that its part of the page points at. */
struct part {
    char text[SUBJECTS][DEMO_CELLS][SHORT_TEXT];
    const char *cells[SUBJECTS * COLUMNS];
    char load[512];
    char *findings;
    struct html_run runs[SUBJECTS];
    struct html_subject subjects[SUBJECTS];
    struct html_grid grid;
};

static void fill_cells(struct part *p, const struct demo *d, const struct demo_scenario *s)
{
    for (size_t i = 0; i < SUBJECTS; i++) {
        if (s->cases[i].run.done)
            demo_cells(s, &s->cases[i], p->text[i]);
        p->cells[i * COLUMNS] = d->subjects[i].name;
        for (size_t k = 0; k < DEMO_CELLS; k++)
            p->cells[i * COLUMNS + 1 + k] = p->text[i][k];
    }
}

static void write_findings(struct part *p, const struct demo_scenario *s)
{
    size_t length;
    FILE *text = open_memstream(&p->findings, &length);
    if (!text)
        return;
    fputs("What happened\n", text);
    demo_scenario_findings(text, s);
    fclose(text);
}

static struct html_comparison fill(struct part *p, const char *const heads[COLUMNS],
                                   const struct demo *d, const struct demo_scenario *s)
{
    fill_cells(p, d, s);
    write_findings(p, s);
    demo_load_text(s, p->load, sizeof p->load);
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_case *c = &s->cases[i];
        p->runs[i] = (struct html_run){s->name, c->run.done ? &c->run.result : NULL};
        p->subjects[i] =
            (struct html_subject){d->subjects[i].name, c->trouble.text, &p->runs[i], 1};
    }
    p->grid =
        (struct html_grid){"The three side by side", NULL, heads, COLUMNS, p->cells, SUBJECTS};
    return (struct html_comparison){.title = s->options.scenario_title,
                                    .subtitle = p->load,
                                    .findings = p->findings,
                                    .subjects = p->subjects,
                                    .subject_count = SUBJECTS,
                                    .grids = &p->grid,
                                    .grid_count = 1};
}

static void describe(const struct demo *d, char *text, size_t room)
{
    char pinned[64] = "server and client share the CPUs";
    if (d->options->elsewhere)
        snprintf(pinned, sizeof pinned, "on servers that run elsewhere");
    else if (d->server_cpu >= 0)
        snprintf(pinned, sizeof pinned, "each server on CPU %d alone", d->server_cpu);
    snprintf(text, room,
             "%zu scenario%s, %s. Where something is done on purpose, the same load without that "
             "went before: the steady run that it is measured by.",
             d->scenario_count, d->scenario_count == 1 ? "" : "s", pinned);
}

static void explain(char *text, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < DEMO_CELLS && n < room; i++)
        n += (size_t)snprintf(text + n, room - n, "%s%s: %s.", i ? " " : "", demo_columns[i].name,
                              demo_columns[i].meaning);
}

void demo_scenarios_html(FILE *out, const struct demo *d)
{
    const char *heads[COLUMNS] = {"server"};
    char subtitle[256], legend[2048];
    struct part *parts = calloc(d->scenario_count, sizeof *parts);
    struct html_comparison *comparisons = calloc(d->scenario_count, sizeof *comparisons);
    for (size_t i = 0; i < DEMO_CELLS; i++)
        heads[1 + i] = demo_columns[i].name;
    describe(d, subtitle, sizeof subtitle);
    explain(legend, sizeof legend);
    for (size_t k = 0; parts && comparisons && k < d->scenario_count; k++)
        comparisons[k] = fill(&parts[k], heads, d, &d->scenarios[k]);
    if (parts && comparisons)
        report_html_collection(out, &(struct html_collection){
                                        .title = "Threads, processes, a process for each request",
                                        .subtitle = subtitle,
                                        .legend = legend,
                                        .parts = comparisons,
                                        .part_count = d->scenario_count});
    for (size_t k = 0; parts && k < d->scenario_count; k++)
        free(parts[k].findings);
    free(parts);
    free(comparisons);
}
