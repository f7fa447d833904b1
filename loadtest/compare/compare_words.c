/*
 * compare_words.c — see compare_words.h.
 */
#include "compare_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum {
    FEW_PER_ROUND = 200, /* of fewer, a p99 is decided by one or two requests */
    TIMES_FROM = 2,
    RATIO_MOST = 999 /* times: an interval that goes further only says that nothing is known */
};

static const char *base_name(const struct comparison *c)
{
    return c->subjects[0].name;
}

__attribute__((format(printf, 3, 4))) static void say(const struct listener *l, bool beware,
                                                      const char *format, ...)
{
    char text[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    l->say(l->out, beware, text);
}

const char *figure_format(enum figure f, double value, char text[SHORT_TEXT])
{
    if (!isfinite(value))
        text[0] = '\0';
    else if (f == FIGURE_RPS)
        format_count((uint64_t)(value + 0.5), text);
    else
        format_us(value, text);
    return text;
}

const char *ratio_format(double ratio, char text[SHORT_TEXT])
{
    if (ratio > RATIO_MOST)
        snprintf(text, SHORT_TEXT, "> %d", RATIO_MOST);
    else
        snprintf(text, SHORT_TEXT, "%.3f", ratio);
    return text;
}

void compare_describe(const struct comparison *c, char text[SENTENCE_MAX])
{
    const struct run_options *o = &c->options->load;
    char depth[64] = "", rate[64] = "";
    if (o->depth > 1)
        snprintf(depth, sizeof depth, ", %u requests in flight on each", o->depth);
    if (o->rate > 0)
        snprintf(rate, sizeof rate, ", %.0f requests due per second", o->rate);
    snprintf(text, SENTENCE_MAX,
             "%zu rounds in turns, %.2f s each, %s loop, %u connection%s%s%s, seed %" PRIu64,
             c->rounds_done, (double)o->duration_ns / 1e9, o->rate > 0 ? "open" : "closed",
             o->connections, o->connections == 1 ? "" : "s", depth, rate, o->seed);
}

/* ── Beside the first ──────────────────────────────────────────────────────────────────────────*/

void compare_overall(const struct comparison *c, size_t subject, char text[SENTENCE_MAX])
{
    const char *name = c->subjects[subject].name, *base = base_name(c);
    switch (c->overall[subject]) {
    case VERDICT_FASTER:
    case VERDICT_SLOWER:
        snprintf(text, SENTENCE_MAX, "%s is %s than %s.", name, verdict_name(c->overall[subject]),
                 base);
        break;
    case VERDICT_MIXED:
        snprintf(text, SENTENCE_MAX, "mixed: in some %s is faster than %s, in some slower.", name,
                 base);
        break;
    case VERDICT_NOT_SHOWN:
        snprintf(text, SENTENCE_MAX, "no difference shown between %s and %s.", base, name);
        break;
    case VERDICT_UNKNOWN:
        snprintf(text, SENTENCE_MAX, "unknown: too few rounds could be used.");
        break;
    }
}

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
static void tell_difference(const struct listener *l, const char *name, enum figure f,
                            const struct estimate *r)
{
    bool more = r->low > 1;
    const char *what = more ? words[f].more : words[f].less;
    if (r->high > RATIO_MOST)
        say(l, false, "%s %s: %.1f times as %s at least.", name, what, r->low,
            f == FIGURE_RPS ? "many" : "much");
    else if (more && r->middle >= TIMES_FROM)
        say(l, false, "%s %s: %.1f times as %s (%.1f … %.1f times).", name, what, r->middle,
            f == FIGURE_RPS ? "many" : "much", r->low, r->high);
    else
        say(l, false, "%s %s: by %.1f %% (%.1f … %.1f %%).", name, what, percent(r->middle),
            percent(more ? r->low : r->high), percent(more ? r->high : r->low));
}

static void tell_sameness(const struct listener *l, const char *name, enum figure f,
                          const struct estimate *r)
{
    if (r->high <= RATIO_MOST)
        say(l, false, "No difference shown in %s: %s has between %.1f %% less and %.1f %% more.",
            words[f].same, name, percent(r->low), percent(r->high));
    else
        say(l, false, "No difference shown in %s: the rounds are too few, or too unlike.",
            words[f].same);
}

void compare_tell_findings(const struct listener *l, const struct comparison *c, size_t subject)
{
    const char *name = c->subjects[subject].name;
    for (unsigned f = 0; f < FIGURES; f++) {
        const struct finding *finding = &c->findings[subject][f];
        if (finding->verdict == VERDICT_NOT_SHOWN)
            tell_sameness(l, name, (enum figure)f, &finding->ratio);
        else if (finding->verdict != VERDICT_UNKNOWN)
            tell_difference(l, name, (enum figure)f, &finding->ratio);
    }
}

/* ── Warnings ──────────────────────────────────────────────────────────────────────────────────*/

static double usual_count(const struct comparison *c, size_t subject)
{
    double counts[STATS_MAX];
    for (size_t i = 0; i < c->rounds_done; i++)
        counts[i] = (double)c->subjects[subject].rounds[i].ok;
    return stats_median(counts, c->rounds_done);
}

static void warn_of_rounds(const struct listener *l, const struct comparison *c, size_t subject)
{
    const struct compare_subject *s = &c->subjects[subject];
    if (s->invalid > 0)
        say(l, true, "%zu round%s of %s %s not used: %s.", s->invalid, s->invalid == 1 ? "" : "s",
            s->name, s->invalid == 1 ? "was" : "were",
            c->options->load.rate > 0 ? "generator-limited"
                                      : "this machine ran out of descriptors, ports or memory");
    if (s->limited > s->invalid)
        say(l, true,
            "generator-limited: in %zu of %zu rounds of %s this tool had no CPU to spare. "
            "Requests/s and latencies are then partly its own, and a difference in them may be "
            "hidden; CPU/request is not touched.",
            s->limited, c->rounds_done, s->name);
    if (usual_count(c, subject) < FEW_PER_ROUND)
        say(l, true,
            "a round of %s has %.0f requests only: raise -d, or lower --rounds, for a p99 that "
            "means something.",
            s->name, usual_count(c, subject));
}

void compare_tell_warnings(const struct listener *l, const struct comparison *c)
{
    for (size_t i = 1; i < c->options->subject_count; i++)
        if (c->unequal_failures[i])
            say(l, true,
                "%s and %s do not fail the same share of their requests, and the figures are of "
                "those that were answered well: who turns requests away has less to do.",
                base_name(c), c->subjects[i].name);
    for (size_t i = 0; i < c->options->subject_count; i++)
        warn_of_rounds(l, c, i);
}

/* ── The rest ──────────────────────────────────────────────────────────────────────────────────*/

__attribute__((format(printf, 2, 3))) static void add(char text[SENTENCE_MAX], const char *format,
                                                      ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, SENTENCE_MAX - used, format, arguments);
    va_end(arguments);
}

static void tell_failures(const struct listener *l, const struct comparison *c)
{
    char text[SENTENCE_MAX] = "Requests failed: ", n[SHORT_TEXT], of[SHORT_TEXT];
    uint64_t all = 0;
    for (size_t i = 0; i < c->options->subject_count; i++) {
        const struct compare_subject *s = &c->subjects[i];
        uint64_t failed = ledger_failed(&s->total->ledger, INNOCENT);
        uint64_t ok = ledger_class(&s->total->ledger, OUTCOME_OK);
        all += failed;
        add(text, "%s%s failed %s of %s", i > 0 ? ", " : "", s->name, format_count(failed, n),
            format_count(failed + ok, of));
    }
    if (all > 0)
        say(l, false, "%s.", text);
}

void compare_tell_rest(const struct listener *l, const struct comparison *c)
{
    char text[SENTENCE_MAX] = "All rounds together, p99.9 and longest: ", us[SHORT_TEXT];
    for (size_t i = 0; i < c->options->subject_count; i++) {
        const struct hist *h = &c->subjects[i].total->corrected;
        add(text, "%s%s %s", i > 0 ? "; " : "", c->subjects[i].name,
            format_us((double)hist_quantile_us(h, 0.999), us));
        add(text, " and %s", format_us((double)h->max_us, us));
    }
    say(l, false, "%s.", text);
    tell_failures(l, c);
}

void compare_tell_method(const struct listener *l, const struct comparison *c)
{
    if (c->options->load.rate > 0)
        say(l, false, "Open loop: requests/s is what -R asks for, unless a server falls behind.");
    say(l, false,
        "Values are medians of the rounds. Ratios are taken within each round; all intervals "
        "together hold the true ratios with %.0f %% confidence (each one with %.2f %%).",
        100 * COMPARE_CONFIDENCE, 100 * c->confidence);
}
