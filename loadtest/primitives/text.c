/*
 * text.c — a table per group, and below it what the textbook says and what this machine says.
 */
#include <math.h>

#include "../machine.h"
#include "../units.h"
#include "report.h"
#include "verdict.h"

static void cell(FILE *out, int width, const char *text)
{
    for (const char *c = text; *c; c++) /* bytes that continue a UTF-8 character take no column */
        if (((unsigned char)*c & 0xc0) == 0x80)
            width++;
    fprintf(out, "%*s", width, text);
}

/* Three digits from nanoseconds on: an addition to a counter is not 0.00 µs. */
static const char *format_ns(double ns, char text[SHORT_TEXT])
{
    if (ns < 0 || ns >= 999.5)
        return format_us(ns < 0 ? ns : ns / 1e3, text);
    snprintf(text, SHORT_TEXT, "%.*f ns", ns < 9.995 ? 2 : ns < 99.95 ? 1 : 0, ns);
    return text;
}

static const char *format_value(enum measure measure, double value, char text[SHORT_TEXT])
{
    return measure == MEMORY ? format_bytes(value, text) : format_ns(value, text);
}

static void row(FILE *out, const struct group *group, const struct figure *f)
{
    char text[SHORT_TEXT];
    fprintf(out, "  %-35s", f->line->title);
    if (!f->measured) {
        fprintf(out, " not measured: %s\n", f->skipped.text);
        return;
    }
    cell(out, 9, format_value(group->measure, f->value.median, text));
    cell(out, 9, format_value(group->measure, f->value.low, text));
    fputs(" …", out);
    cell(out, 9, format_value(group->measure, f->value.high, text));
    cell(out, 9, group->measure == MEMORY ? "" : format_ns(f->other_ns, text));
    fprintf(out, "  %2u × %s", f->rounds, format_count(f->each, text));
    if (f->lost > 0)
        fprintf(out, "  %.1f %% lost", 100 * (double)f->lost / (double)f->done);
    fputc('\n', out);
}

/* "22.1 µs against 95.3 µs" */
static void both(FILE *out, const struct group *group, const struct verdict *v)
{
    char a[SHORT_TEXT], b[SHORT_TEXT];
    fprintf(out, "%s against %s", format_value(group->measure, v->a->value.median, a),
            format_value(group->measure, v->b->value.median, b));
}

static void say_cheaper(FILE *out, const struct group *group, const struct verdict *v)
{
    const struct quartiles *factor = &v->factor;
    if (v->ruling == CONFIRMED)
        fprintf(out, "Confirmed here, by a factor of %.3g (%.3g … %.3g): ", factor->median,
                factor->low, factor->high);
    else
        fprintf(out, "%s (%.3g … %.3g): ",
                factor->high < 1 ? "Not here, it is the other way round"
                                 : "Not confirmed here, some rounds say yes and some no",
                factor->low, factor->high);
    both(out, group, v);
    fputs(".\n", out);
}

static void say_alike(FILE *out, const struct group *group, const struct verdict *v)
{
    fprintf(out, "%sonfirmed here, the factor is %.3g (%.3g … %.3g): ",
            v->ruling == CONFIRMED ? "C" : "Not c", v->factor.median, v->factor.low,
            v->factor.high);
    both(out, group, v);
    fputs(".\n", out);
}

static void say_lost(FILE *out, enum claim_kind kind, const struct verdict *v)
{
    char lost[SHORT_TEXT], done[SHORT_TEXT];
    fputs(v->ruling == CONFIRMED ? "Confirmed here: " : "Not seen here: ", out);
    if (v->a->lost == 0)
        fprintf(out, "none of %s was lost", format_count(v->a->done, done));
    else
        fprintf(out, "%s of %s were lost, %.1f %%", format_count(v->a->lost, lost),
                format_count(v->a->done, done), 100 * v->lost_share);
    fputs(kind == LOSES && v->a->lost == 0 ? ", which is luck and no promise.\n" : ".\n", out);
}

static void say(FILE *out, const struct findings *f, const struct claim *claim)
{
    struct verdict v = claim_judge(f, claim);
    fprintf(out, "\n  \"%s\"\n      ", claim->sentence);
    if (v.ruling == OPEN)
        fputs("Left open: it was not measured.\n", out);
    else if (claim->kind == CHEAPER)
        say_cheaper(out, f->group, &v);
    else if (claim->kind == ALIKE)
        say_alike(out, f->group, &v);
    else
        say_lost(out, claim->kind, &v);
}

static void tell_group(FILE *out, const struct findings *f)
{
    static const char *const compared[] = {
        [CPU_TIME] = "CPU", [ELAPSED_TIME] = "elapsed", [MEMORY] = "memory"};
    static const char *const other[] = {
        [CPU_TIME] = "elapsed", [ELAPSED_TIME] = "CPU", [MEMORY] = ""};
    const struct group *group = f->group;
    fprintf(out, "\n%s\n  (%s)\n\n  %-35s%9s%20s%9s  rounds × each\n", group->title, group->method,
            "", compared[group->measure], "middle half", other[group->measure]);
    for (size_t i = 0; i < group->count; i++)
        row(out, group, &f->figures[i]);
    for (size_t i = 0; i < group->claim_count; i++)
        say(out, f, &group->claims[i]);
}

void survey_text(FILE *out, const struct survey *s)
{
    char text[SHORT_TEXT];
    struct machine m;
    machine_look(&m);
    fprintf(out, "%s, %u CPU%s (%u usable), %s,\n%s, pages of %u KiB, transparent huge pages: %s\n",
            m.cpu, m.cores, m.cores == 1 ? "" : "s", m.usable, format_bytes((double)m.memory, text),
            m.kernel, (unsigned)(m.page / 1024), m.thp[0] ? m.thp : "unknown");
    fprintf(out,
            "%s. Medians of up to %u rounds, taken in turns; half of them lie in the middle "
            "half.\n",
            s->started, s->plan->rounds);
    for (size_t i = 0; i < s->count; i++)
        tell_group(out, &s->findings[i]);
}
