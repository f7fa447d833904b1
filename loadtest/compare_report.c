/*
 * compare_report.c — a table for each subject beside the first, and what it says in words.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "compare.h"
#include "units.h"

enum {
    FEW_PER_ROUND = 200, /* of fewer, a p99 is decided by one or two requests */
    TIMES_FROM = 2
};

static const char *base_name(const struct comparison *c)
{
    return c->subjects[0].name;
}

static void header(FILE *out, const struct comparison *c)
{
    const struct run_options *o = &c->options->load;
    fprintf(out, "%zu rounds in turns, %.2f s each, %s loop, %u connection%s", c->rounds_done,
            (double)o->duration_ns / 1e9, o->rate > 0 ? "open" : "closed", o->connections,
            o->connections == 1 ? "" : "s");
    if (o->depth > 1)
        fprintf(out, ", %u requests in flight on each", o->depth);
    if (o->rate > 0)
        fprintf(out, ", %.0f requests due per second", o->rate);
    fprintf(out, ", seed %" PRIu64 "\n\n", o->seed);
    for (size_t i = 0; i < c->options->subject_count; i++) {
        const struct compare_subject *s = &c->subjects[i];
        fprintf(out, "  %-*s %s   ", COMPARE_NAME_SIZE - 1, s->name, s->url);
        if (s->server.pid > 0)
            fprintf(out, "(%s, process %d and below)\n", s->server.command, (int)s->server.pid);
        else
            fprintf(out, "(CPU unknown: %s)\n", s->server_unknown.text);
    }
}

/* ── The table ─────────────────────────────────────────────────────────────────────────────────*/

static void value_cell(FILE *out, enum figure f, double value)
{
    char text[SHORT_TEXT];
    if (f == FIGURE_RPS)
        format_count((uint64_t)(value + 0.5), text);
    else
        format_us(value, text);
    cell(out, 14, text);
}

static void row(FILE *out, enum figure f, const struct finding *finding)
{
    char text[64];
    fprintf(out, "  %-12s", figure_name(f));
    if (finding->verdict == VERDICT_UNKNOWN) {
        fprintf(out, "   not known in enough rounds (%zu, and %d are needed)\n", finding->pairs,
                STATS_MIN);
        return;
    }
    value_cell(out, f, finding->base);
    value_cell(out, f, finding->other);
    snprintf(text, sizeof text, "%.3f", finding->ratio.middle);
    cell(out, 9, text);
    snprintf(text, sizeof text, "%.3f … %.3f", finding->ratio.low, finding->ratio.high);
    cell(out, 17, text);
    fprintf(out, "   %s\n", verdict_name(finding->verdict));
}

static void table(FILE *out, const struct comparison *c, size_t subject)
{
    fprintf(out, "\n%s beside %s\n", c->subjects[subject].name, base_name(c));
    fprintf(out, "  %-12s%14.13s%14.13s%9s%15s     %s\n", "", base_name(c),
            c->subjects[subject].name, "ratio", "interval", "verdict");
    for (unsigned f = 0; f < FIGURES; f++)
        row(out, (enum figure)f, &c->findings[subject][f]);
}

/* ── The words ─────────────────────────────────────────────────────────────────────────────────*/

/* What more and less of a figure are called. */
static const struct {
    const char *more, *less, *same;
} words[] = {[FIGURE_RPS] = {"answers more requests per second",
                             "answers fewer requests per second", "requests per second"},
             [FIGURE_CPU] = {"takes more CPU time per request", "takes less CPU time per request",
                             "CPU time per request"},
             [FIGURE_P50] = {"takes longer for half of the requests (p50)",
                             "is quicker with half of the requests (p50)", "p50"},
             [FIGURE_P99] = {"has slower stragglers (p99)", "has quicker stragglers (p99)", "p99"}};

static double percent(double ratio)
{
    return 100 * fabs(ratio - 1);
}

/* A difference is a percentage, until it is so large that "times" says it better. */
static void tell_difference(FILE *out, const char *name, enum figure f, const struct estimate *r)
{
    bool more = r->low > 1;
    const char *what = more ? words[f].more : words[f].less;
    if (more && r->middle >= TIMES_FROM)
        fprintf(out, "  %s %s: %.1f times as %s (%.1f … %.1f times).\n", name, what, r->middle,
                f == FIGURE_RPS ? "many" : "much", r->low, r->high);
    else
        fprintf(out, "  %s %s: by %.1f %% (%.1f … %.1f %%).\n", name, what, percent(r->middle),
                percent(more ? r->low : r->high), percent(more ? r->high : r->low));
}

static void tell_sameness(FILE *out, const char *name, enum figure f, const struct estimate *r)
{
    double least = percent(r->low), most = percent(r->high);
    if (isfinite(r->high))
        fprintf(out, "  No difference shown in %s: %s has between %.1f %% less and %.1f %% more.\n",
                words[f].same, name, least, most);
    else
        fprintf(out, "  No difference shown in %s: the rounds are too few, or too unlike.\n",
                words[f].same);
}

static void tell_findings(FILE *out, const struct comparison *c, size_t subject)
{
    const char *name = c->subjects[subject].name;
    fputc('\n', out);
    for (unsigned f = 0; f < FIGURES; f++) {
        const struct finding *finding = &c->findings[subject][f];
        if (finding->verdict == VERDICT_NOT_SHOWN)
            tell_sameness(out, name, (enum figure)f, &finding->ratio);
        else if (finding->verdict != VERDICT_UNKNOWN)
            tell_difference(out, name, (enum figure)f, &finding->ratio);
    }
}

static void tell_overall(FILE *out, const struct comparison *c, size_t subject)
{
    const char *name = c->subjects[subject].name;
    switch (c->overall[subject]) {
    case VERDICT_FASTER:
    case VERDICT_SLOWER:
        fprintf(out, "  Overall: %s is %s than %s.\n", name, verdict_name(c->overall[subject]),
                base_name(c));
        break;
    case VERDICT_MIXED:
        fprintf(out, "  Overall: mixed: in some %s is faster than %s, in some slower.\n", name,
                base_name(c));
        break;
    case VERDICT_NOT_SHOWN:
        fprintf(out, "  Overall: no difference shown between %s and %s.\n", base_name(c), name);
        break;
    case VERDICT_UNKNOWN:
        fprintf(out, "  Overall: unknown: too few rounds could be used.\n");
        break;
    }
}

static void share_failed(FILE *out, const struct compare_subject *s)
{
    char failed[SHORT_TEXT], all[SHORT_TEXT];
    uint64_t n = ledger_failed(&s->total->ledger, INNOCENT);
    uint64_t ok = ledger_class(&s->total->ledger, OUTCOME_OK);
    fprintf(out, "%s failed %s of %s", s->name, format_count(n, failed), format_count(n + ok, all));
}

static void tell_failures(FILE *out, const struct comparison *c)
{
    uint64_t failed = 0;
    bool unequal = false;
    size_t count = c->options->subject_count;
    for (size_t i = 0; i < count; i++) {
        failed += ledger_failed(&c->subjects[i].total->ledger, INNOCENT);
        unequal |= c->unequal_failures[i];
    }
    if (failed == 0)
        return;
    fputs("  Requests failed: ", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        share_failed(out, &c->subjects[i]);
    }
    fputs(unequal
              ? ".\n  BEWARE: not the same share, and the figures are of those that were answered "
                "well: who turns\n  requests away has less to do.\n"
              : ".\n",
          out);
}

/* Medians of rounds pass over what happens in few of them. */
static void tell_stragglers(FILE *out, const struct comparison *c)
{
    char text[SHORT_TEXT];
    size_t count = c->options->subject_count;
    fputs("  All rounds together, p99.9 and longest: ", out);
    for (size_t i = 0; i < count; i++) {
        const struct hist *h = &c->subjects[i].total->corrected;
        fprintf(out, "%s%s %s", i > 0 ? "; " : "", c->subjects[i].name,
                format_us((double)hist_quantile_us(h, 0.999), text));
        fprintf(out, " and %s", format_us((double)h->max_us, text));
    }
    fputs(".\n", out);
}

static double usual_count(const struct comparison *c, size_t subject)
{
    double counts[STATS_MAX];
    for (size_t i = 0; i < c->rounds_done; i++)
        counts[i] = (double)c->subjects[subject].rounds[i].ok;
    return stats_median(counts, c->rounds_done);
}

static void tell_limits(FILE *out, const struct comparison *c)
{
    for (size_t i = 0; i < c->options->subject_count; i++) {
        const struct compare_subject *s = &c->subjects[i];
        if (s->invalid > 0)
            fprintf(out, "  %zu rounds of %s were not used: %s.\n", s->invalid, s->name,
                    c->options->load.rate > 0 ? "generator-limited"
                                              : "this machine ran out of "
                                                "descriptors, ports or memory");
        if (s->limited > s->invalid)
            fprintf(
                out,
                "  BEWARE: generator-limited: in %zu of %zu rounds of %s this tool had no CPU "
                "to spare. Requests/s\n  and latencies are then partly its own, and a difference "
                "in them may be hidden; CPU/request is not touched.\n",
                s->limited, c->rounds_done, s->name);
        if (usual_count(c, i) < FEW_PER_ROUND)
            fprintf(
                out,
                "  A round of %s has %.0f requests only: raise -d, or lower --rounds, for a p99 "
                "that means something.\n",
                s->name, usual_count(c, i));
    }
}

void compare_report(FILE *out, const struct comparison *c)
{
    header(out, c);
    for (size_t i = 1; i < c->options->subject_count; i++) {
        table(out, c, i);
        tell_findings(out, c, i);
        tell_overall(out, c, i);
    }
    fputc('\n', out);
    tell_stragglers(out, c);
    tell_failures(out, c);
    tell_limits(out, c);
    if (c->options->load.rate > 0)
        fputs("  Open loop: requests/s is what -R asks for, unless a server falls behind.\n", out);
    fprintf(out,
            "  Values are medians of the rounds. Ratios are taken within each round; all intervals "
            "together hold\n  the true ratios with %.0f %% confidence (each one with %.2f %%).\n",
            100 * COMPARE_CONFIDENCE, 100 * c->confidence);
}
