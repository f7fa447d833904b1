/*
 * compare_verdict.c — from rounds to findings: the definitions.
 *
 * A figure's ratio is taken within each round and its logarithm averaged, so that "twice" and
 * "half" are equally far from "the same". A difference is shown when the ratio's interval does not
 * hold 1.
 *
 * Four figures are four chances to be wrong. So each interval is made wide enough that all of them
 * together miss with no more than one chance in a hundred (Bonferroni): a server compared with
 * itself is found different, in whatever figure, at most once in a hundred comparisons. With one in
 * twenty, as is usual, the intervals would be a fifth narrower, and who compares each change of his
 * program would soon stop to believe it.
 */
#include "compare.h"

#include <math.h>
#include <string.h>

#define UNLIKELY 3.3 /* standard errors: 1 in 1,000 */

enum { BOOTSTRAP_STREAM = 2000 }; /* of the seed; one for each finding from here on */

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {[VERDICT_UNKNOWN] = "unknown",
                                        [VERDICT_NOT_SHOWN] = "no difference shown",
                                        [VERDICT_FASTER] = "faster",
                                        [VERDICT_SLOWER] = "slower",
                                        [VERDICT_MIXED] = "mixed"};
    return names[v];
}

const char *figure_name(enum figure f)
{
    static const char *const names[] = {[FIGURE_RPS] = "requests/s",
                                        [FIGURE_CPU] = "CPU/request",
                                        [FIGURE_P50] = "p50",
                                        [FIGURE_P99] = "p99"};
    return names[f];
}

const char *figure_key(enum figure f)
{
    static const char *const keys[] = {[FIGURE_RPS] = "rps",
                                       [FIGURE_CPU] = "server_cpu_us_per_request",
                                       [FIGURE_P50] = "p50_us",
                                       [FIGURE_P99] = "p99_us"};
    return keys[f];
}

/* The rounds of one subject pair in which the figure is known of both; returns how many. */
static size_t pair_up(const struct comparison *c, size_t subject, enum figure f,
                      double base[STATS_MAX], double other[STATS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < c->rounds_done; i++) {
        const struct round *a = &c->subjects[0].rounds[i], *b = &c->subjects[subject].rounds[i];
        if (a->invalid || b->invalid || !(a->figures[f] > 0) || !(b->figures[f] > 0))
            continue;
        base[n] = a->figures[f];
        other[n++] = b->figures[f];
    }
    return n;
}

static enum verdict judge(enum figure f, const struct estimate *ratio)
{
    if (ratio->low <= 1 && ratio->high >= 1)
        return VERDICT_NOT_SHOWN;
    bool more = ratio->low > 1;
    return more == (f == FIGURE_RPS) ? VERDICT_FASTER : VERDICT_SLOWER;
}

static void find(struct comparison *c, size_t subject, enum figure f)
{
    double base[STATS_MAX], other[STATS_MAX], logs[STATS_MAX];
    struct finding *finding = &c->findings[subject][f];
    struct estimate e;
    struct rng rng;
    finding->pairs = pair_up(c, subject, f, base, other);
    finding->base = stats_median(base, finding->pairs);
    finding->other = stats_median(other, finding->pairs);
    for (size_t i = 0; i < finding->pairs; i++)
        logs[i] = log(other[i] / base[i]);
    rng_seed(&rng, c->options->load.seed, BOOTSTRAP_STREAM + subject * FIGURES + f);
    if (!stats_interval(logs, finding->pairs, c->confidence, &rng, &e))
        return;
    finding->ratio = (struct estimate){exp(e.middle), exp(e.low), exp(e.high)};
    finding->verdict = judge(f, &finding->ratio);
}

static size_t count_questions(const struct comparison *c)
{
    double base[STATS_MAX], other[STATS_MAX];
    size_t n = 0;
    for (size_t i = 1; i < c->options->subject_count; i++)
        for (unsigned f = 0; f < FIGURES; f++)
            n += pair_up(c, i, f, base, other) >= STATS_MIN;
    return n;
}

static enum verdict sum_up(const struct finding findings[FIGURES])
{
    unsigned seen[VERDICT_MIXED + 1] = {0};
    for (unsigned f = 0; f < FIGURES; f++)
        seen[findings[f].verdict]++;
    if (seen[VERDICT_FASTER] > 0 && seen[VERDICT_SLOWER] > 0)
        return VERDICT_MIXED;
    if (seen[VERDICT_FASTER] > 0)
        return VERDICT_FASTER;
    if (seen[VERDICT_SLOWER] > 0)
        return VERDICT_SLOWER;
    return seen[VERDICT_NOT_SHOWN] > 0 ? VERDICT_NOT_SHOWN : VERDICT_UNKNOWN;
}

/* Do two subjects fail different shares of their requests? The usual test of two proportions. */
static bool fail_differently(const struct tally *a, const struct tally *b)
{
    double failed_a = (double)ledger_failed(&a->ledger, INNOCENT);
    double failed_b = (double)ledger_failed(&b->ledger, INNOCENT);
    double n_a = failed_a + (double)ledger_class(&a->ledger, OUTCOME_OK);
    double n_b = failed_b + (double)ledger_class(&b->ledger, OUTCOME_OK);
    if (failed_a + failed_b <= 0 || n_a <= 0 || n_b <= 0)
        return false;
    double share = (failed_a + failed_b) / (n_a + n_b);
    double error = sqrt(share * (1 - share) * (1 / n_a + 1 / n_b));
    return fabs(failed_a / n_a - failed_b / n_b) > UNLIKELY * error;
}

void comparison_conclude(struct comparison *c)
{
    size_t questions = count_questions(c);
    c->confidence =
        questions > 0 ? 1 - (1 - COMPARE_CONFIDENCE) / (double)questions : COMPARE_CONFIDENCE;
    memset(c->findings, 0, sizeof c->findings);
    for (size_t i = 1; i < c->options->subject_count; i++) {
        for (unsigned f = 0; f < FIGURES; f++)
            find(c, i, (enum figure)f);
        c->overall[i] = sum_up(c->findings[i]);
        c->unequal_failures[i] = fail_differently(c->subjects[0].total, c->subjects[i].total);
    }
}
