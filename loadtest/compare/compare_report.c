/*
 * compare_report.c — a table for each subject beside the first, and what it says in words.
 */
#include "../report/cell.h"
#include "../report/wrap.h"
#include "compare.h"
#include "compare_words.h"

static void say(FILE *out, bool beware, const char *sentence)
{
    paragraph(out, "%s%s", beware ? "BEWARE: " : "", sentence);
}

static void header(FILE *out, const struct comparison *c)
{
    char text[SENTENCE_MAX];
    compare_describe(c, text);
    fprintf(out, "%s\n\n", text);
    for (size_t i = 0; i < c->options->subject_count; i++) {
        const struct compare_subject *s = &c->subjects[i];
        fprintf(out, "  %-*s %s   ", COMPARE_NAME_SIZE - 1, s->name, s->url);
        if (s->server.pid > 0)
            fprintf(out, "(%s, process %d and below)\n", s->server.command, (int)s->server.pid);
        else
            fprintf(out, "(CPU unknown: %s)\n", s->server_unknown.text);
    }
}

static void row(FILE *out, enum figure f, const struct finding *finding)
{
    char text[2 * SHORT_TEXT + 8], low[SHORT_TEXT], high[SHORT_TEXT];
    fprintf(out, "  %-12s", figure_name(f));
    if (finding->verdict == VERDICT_UNKNOWN) {
        fprintf(out, "   not known in enough rounds (%zu, and %d are needed)\n", finding->pairs,
                STATS_MIN);
        return;
    }
    cell(out, 14, figure_format(f, finding->base, text));
    cell(out, 14, figure_format(f, finding->other, text));
    cell(out, 9, ratio_format(finding->ratio.middle, text));
    snprintf(text, sizeof text, "%s … %s", ratio_format(finding->ratio.low, low),
             ratio_format(finding->ratio.high, high));
    cell(out, 17, text);
    fprintf(out, "   %s\n", verdict_name(finding->verdict));
}

static void table(FILE *out, const struct comparison *c, size_t subject)
{
    const char *base = c->subjects[0].name, *other = c->subjects[subject].name;
    fprintf(out, "\n%s beside %s\n", other, base);
    fprintf(out, "  %-12s%14.13s%14.13s%9s%15s     %s\n", "", base, other, "ratio", "interval",
            "verdict");
    for (unsigned f = 0; f < FIGURES; f++)
        row(out, (enum figure)f, &c->findings[subject][f]);
    fputc('\n', out);
}

void compare_report(FILE *out, const struct comparison *c)
{
    const struct listener terminal = {say, out};
    char overall[SENTENCE_MAX];
    header(out, c);
    for (size_t i = 1; i < c->options->subject_count; i++) {
        table(out, c, i);
        compare_tell_findings(&terminal, c, i);
        compare_overall(c, i, overall);
        paragraph(out, "Overall: %s", overall);
    }
    fputc('\n', out);
    compare_tell_rest(&terminal, c);
    compare_tell_warnings(&terminal, c);
    compare_tell_method(&terminal, c);
}
