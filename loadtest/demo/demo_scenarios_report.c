/*
 * demo_scenarios_report.c — for each scenario a table, what became of its expectations, and what the
 * numbers say.
 *
 * As in demo_report.c, each sentence is chosen and filled in from what was measured.
 */
#include <stdlib.h>
#include <string.h>

#include "../report/cell.h"
#include "../report/wrap.h"
#include "demo_cells.h"
#include "demo_scenarios.h"

static const char *const names[SUBJECTS] = {
    [THREAD] = "Thread", [POOL] = "Pool", [FRESH] = "Fresh"};

static void table(FILE *out, const struct demo *d, const struct demo_scenario *s)
{
    fprintf(out, "%-7s", "");
    for (size_t i = 0; i < DEMO_CELLS; i++)
        cell(out, demo_columns[i].width, demo_columns[i].name);
    fputc('\n', out);
    for (size_t k = 0; k < SUBJECTS; k++) {
        char text[DEMO_CELLS][SHORT_TEXT];
        fprintf(out, "%-7s", d->subjects[k].name);
        if (!s->cases[k].run.done) {
            fputs("  not measured\n", out);
            continue;
        }
        demo_cells(s, &s->cases[k], text);
        for (size_t i = 0; i < DEMO_CELLS; i++)
            cell(out, demo_columns[i].width, text[i]);
        fputc('\n', out);
    }
}

/* ── What it says ──────────────────────────────────────────────────────────────────────────── */

static void tell_expectation(FILE *out, const struct demo_scenario *s, const struct expectation *e)
{
    char text[512];
    int n = snprintf(text, sizeof text, "Expected %.100s:", e->text);
    for (size_t i = 0; i < SUBJECTS; i++) {
        double measured;
        char found[SHORT_TEXT];
        if (!s->cases[i].run.done)
            continue;
        bool held = expectation_holds(e, &s->cases[i].run.result, &measured);
        n += snprintf(text + n, sizeof text - (size_t)n, " %s %s (%s)%s", names[i],
                      held ? "held" : "FAILED", expectation_format(e, measured, found),
                      i + 1 < SUBJECTS ? "," : "");
    }
    if (text[n - 1] == ',' || text[n - 1] == ':')
        n--;
    paragraph(out, "%.*s.", n, text);
}

/* Whether it was gone for a moment, and how long it took to come back. */
static void tell_gap(const struct result *r, char *text, size_t room)
{
    const struct recovery *c = &r->recovery;
    char *rest = text;
    text[0] = '\0';
    if (r->without_service_s > 0)
        rest += snprintf(text, room, " For %.2f s nobody was served.", r->without_service_s);
    room -= (size_t)(rest - text);
    if (c->known && !c->complete)
        snprintf(rest, room,
                 " It was not back in band %.2f s later, when the next fault or the end came.",
                 c->seconds);
    else if (c->known && c->seconds > 0)
        snprintf(rest, room, " It was back in band after %.2f s%s.", c->seconds,
                 r->mark_count > 1 ? " at the latest" : "");
    else if (c->known)
        snprintf(rest, room, " It never left the band of its steady run.");
}

static void tell_faults(FILE *out, const struct demo_scenario *s, size_t index)
{
    const struct result *r = &s->cases[index].run.result;
    const struct victims *v = &r->victims;
    char a[SHORT_TEXT], b[SHORT_TEXT], c[SHORT_TEXT], d[SHORT_TEXT], gap[192];
    uint64_t done = demo_faults_done(s, r);
    const char *faults = done == 1 ? "fault" : "faults";
    const char *requests = v->total == 1 ? "request" : "requests";
    tell_gap(r, gap, sizeof gap);
    if (v->total == 0)
        paragraph(out, "%s: %s %s, and nobody else suffered.%s", names[index],
                  format_count(done, a), faults, gap);
    else
        paragraph(out,
                  "%s: %s %s, and %s other %s suffered, %.2f for each (%s failed, %s took too "
                  "long).%s",
                  names[index], format_count(done, a), faults, format_count(v->total, b), requests,
                  done > 0 ? (double)v->total / (double)done : 0, format_count(v->failed, c),
                  format_count(v->slow + v->waiting, d), gap);
}

/* Both sides of it: what was done, and what the server counted. */
static void tell_check(FILE *out, const struct demo_check *c, size_t index)
{
    char deaths[SHORT_TEXT], killed[SHORT_TEXT], done[SHORT_TEXT];
    const char *verdict = c->holds ? "passed" : "FAILED";
    format_count(c->deaths, deaths);
    format_count(c->killed, killed);
    format_count(c->outside ? c->kills : c->injected, done);
    if (!c->asked)
        return;
    if (!c->known)
        paragraph(out, "Check FAILED: the /metrics of %s did not tell what it counted.",
                  names[index]);
    else if (c->outside)
        paragraph(out, "Check %s: workers killed %s, deaths that %s counted %s.", verdict, done,
                  names[index], deaths);
    else if (c->together)
        paragraph(out,
                  "Check %s: faults injected %s, requests that %s found guilty %s, deaths of its "
                  "process %s.",
                  verdict, done, names[index], killed, deaths);
    else
        paragraph(out, "Check %s: faults injected %s, requests that %s saw die %s.", verdict, done,
                  names[index], killed);
}

/* "Thread", "Thread and Pool", "Thread, Pool and Fresh"; returns how many. */
static size_t list_names(const bool in[SUBJECTS], char text[64])
{
    size_t count = 0, told = 0;
    for (size_t i = 0; i < SUBJECTS; i++)
        count += in[i];
    text[0] = '\0';
    for (size_t i = 0; i < SUBJECTS; i++) {
        if (!in[i])
            continue;
        const char *before = told == 0 ? "" : told + 1 == count ? " and " : ", ";
        size_t length = strlen(text);
        snprintf(text + length, 64 - length, "%s%s", before, names[i]);
        told++;
    }
    return count;
}

static void tell_whose(FILE *out, const struct demo_scenario *s)
{
    bool harmed[SUBJECTS], spared[SUBJECTS];
    char with[64], without[64];
    for (size_t i = 0; i < SUBJECTS; i++) {
        harmed[i] = s->cases[i].run.done && s->cases[i].run.result.victims.total > 0;
        spared[i] = s->cases[i].run.done && !harmed[i];
    }
    size_t with_count = list_names(harmed, with), without_count = list_names(spared, without);
    if (with_count > 0 && without_count > 0)
        paragraph(out, "So others suffered with %s, and not with %s.", with, without);
    else if (with_count > 0)
        paragraph(out, "So others suffered with %s.", with);
    else if (without_count > 0)
        paragraph(out, "So nobody else suffered, with %s.", without);
}

/* What a steady load costs them, beside what it costs threads. */
static void tell_price(FILE *out, const struct demo_scenario *s, size_t index)
{
    const struct demo_run *thread = &s->cases[THREAD].run, *other = &s->cases[index].run;
    char a[SHORT_TEXT], b[SHORT_TEXT], memory[64] = "";
    if (!thread->done || !other->done || thread->cpu_us <= 0 || other->cpu_us <= 0)
        return;
    if (thread->memory > 0 && other->memory_of_workers == thread->memory_of_workers)
        snprintf(memory, sizeof memory, ", and has %.1f times the memory",
                 (double)other->memory / (double)thread->memory);
    paragraph(out, "%s takes %s of CPU per request, %.2f times the %s of Thread%s.", names[index],
              format_us(other->cpu_us, a), other->cpu_us / thread->cpu_us,
              format_us(thread->cpu_us, b), memory);
}

/* Where they differ much: what leaks is given back by those who end their processes. */
static void tell_memory(FILE *out, const struct demo_scenario *s)
{
    uint64_t least = UINT64_MAX, most = 0;
    char text[PARAGRAPH_MAX] = "", size[SHORT_TEXT];
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_run *run = &s->cases[i].run;
        size_t length = strlen(text);
        if (!run->done || run->memory == 0)
            continue;
        least = run->memory < least ? run->memory : least;
        most = run->memory > most ? run->memory : most;
        snprintf(text + length, sizeof text - length, "%s %s has %s", length ? "," : "", names[i],
                 format_bytes((double)run->memory, size));
    }
    if (most > 3 * least)
        paragraph(out, "After it their memory differs:%s.", text);
}

/* Why it must not be used, or is a lower bound only, in words; NULL: all is well. */
static const char *invalid(const struct demo_case *c)
{
    return c->run.done ? c->run.result.invalid : NULL;
}

static const char *limited(const struct demo_case *c)
{
    return c->run.done && !c->run.result.invalid ? c->run.result.limited_why : NULL;
}

static const char *missing(const struct demo_case *c)
{
    return c->trouble.text[0] ? c->trouble.text : NULL;
}

/* Those who have the same reason are named together, where the first of them stands. */
static void tell_reasons(FILE *out, const struct demo_scenario *s, const char *word,
                         const char *(*reason)(const struct demo_case *c))
{
    bool told[SUBJECTS] = {false};
    for (size_t i = 0; i < SUBJECTS; i++) {
        const char *why = reason(&s->cases[i]);
        bool same[SUBJECTS] = {false};
        char who[64];
        for (size_t k = i; why && k < SUBJECTS; k++) {
            const char *other = reason(&s->cases[k]);
            same[k] = !told[k] && other && strcmp(other, why) == 0;
            told[k] |= same[k];
        }
        if (list_names(same, who) > 0)
            paragraph(out, "%s: %s: %s.", word, who, why);
    }
}

void demo_scenario_findings(FILE *out, const struct demo_scenario *s)
{
    bool faults = s->options.injection_count > 0;
    for (size_t i = 0; i < s->options.expectation_count; i++)
        tell_expectation(out, s, &s->options.expectations[i]);
    for (size_t i = 0; i < SUBJECTS; i++)
        if (faults && s->cases[i].run.done)
            tell_faults(out, s, i);
    if (faults)
        tell_whose(out, s);
    for (size_t i = 0; i < SUBJECTS; i++)
        if (s->cases[i].run.done)
            tell_check(out, &s->cases[i].check, i);
    for (size_t i = 0; !faults && i < SUBJECTS; i++)
        if (i != THREAD)
            tell_price(out, s, i);
    if (faults)
        tell_memory(out, s);
    tell_reasons(out, s, "INVALID", invalid);
    tell_reasons(out, s, "Note", limited);
    tell_reasons(out, s, "Not measured", missing);
}

/* ── The whole ─────────────────────────────────────────────────────────────────────────────── */

#define OWN_SERVER \
    " Each scenario has a server of its own (--request-timeout " DEMO_REQUEST_TIMEOUT ")."

static void header(FILE *out, const struct demo *d)
{
    char cpu[256];
    if (d->options->elsewhere)
        snprintf(cpu, sizeof cpu,
                 "The servers run elsewhere (--against), the same ones in all scenarios.");
    else if (d->server_cpu >= 0)
        snprintf(cpu, sizeof cpu,
                 "Each server runs on CPU %d alone, the client on the others." OWN_SERVER,
                 d->server_cpu);
    else
        snprintf(cpu, sizeof cpu,
                 "Server and client share the CPUs, so each takes time from the other." OWN_SERVER);
    char text[PARAGRAPH_MAX];
    snprintf(text, sizeof text,
             "%s Where something is done on purpose, the same load without that goes before, for "
             "as long: the steady run that it is measured by.",
             cpu);
    fputc('\n', out);
    wrap(out, text, 0, 0);
}

static void legend(FILE *out)
{
    fputs("\nWhat the columns say\n", out);
    for (size_t i = 0; i < DEMO_CELLS; i++) {
        fprintf(out, "  %-11s ", demo_columns[i].name);
        wrap(out, demo_columns[i].meaning, 14, 14);
    }
}

void demo_scenarios_report(FILE *out, const struct demo *d)
{
    header(out, d);
    for (size_t k = 0; k < d->scenario_count; k++) {
        const struct demo_scenario *s = &d->scenarios[k];
        char load[512];
        demo_load_text(s, load, sizeof load);
        fprintf(out, "\n%s\n%s: %s\n", s->options.scenario_title, s->name, load);
        table(out, d, s);
        demo_scenario_findings(out, s);
    }
    legend(out);
}
