/*
 * recovery.c — the definitions of recovery.h, word for word.
 */
#include "recovery.h"

#include <math.h>

#include "units.h"

enum {
    STEP_ANSWERS = 100, /* fewer have no p99 */
    IN_A_ROW = 3,
    P99_FACTOR = 2,
    P99_SLACK_US = 1000
};
#define LEAST_SUCCESS 0.99
#define LEAST_ANSWERED 0.5
#define SUSTAINED_NS NS_PER_S
#define MOST 0.8

/* The band, in windows of the timeline. */
struct band {
    const struct timeline *timeline;
    int64_t step;      /* windows in a step */
    double answers;    /* per window, in a steady run */
    double success;    /* least share */
    int64_t p99_us;    /* highest p99 */
    int64_t sustained; /* windows */
};

static struct band make_band(const struct result *r)
{
    const struct timeline *t = &r->timeline;
    double success = r->steady.success > 0 ? r->steady.success : 1;
    struct band b = {.timeline = t,
                     .answers = r->steady.rps * (double)t->window_ns / 1e9,
                     .success = LEAST_SUCCESS * success,
                     .p99_us = P99_FACTOR * r->steady.p99_us,
                     .sustained = (SUSTAINED_NS + t->window_ns - 1) / t->window_ns};
    if (b.p99_us < r->steady.p99_us + P99_SLACK_US)
        b.p99_us = r->steady.p99_us + P99_SLACK_US;
    double step = ceil(STEP_ANSWERS / b.answers);
    b.step = step < (double)b.sustained ? (int64_t)step : b.sustained;
    return b;
}

static bool is_in_band(const struct band *b, int64_t first, int64_t end)
{
    struct window w;
    timeline_sum(b->timeline, first, end, &w);
    double ended = (double)w.ok + (double)w.failed;
    return w.ok > 0 && (double)w.ok >= LEAST_ANSWERED * b->answers * (double)(end - first) &&
           (double)w.ok >= b->success * ended && 100 * window_slower(&w, b->p99_us) <= w.ok;
}

/* Three steps in a row, and most of the second from there. */
static bool is_back(const struct band *b, int64_t at, int64_t limit)
{
    int64_t end = at + b->sustained < limit ? at + b->sustained : limit;
    int64_t steps = 0, good = 0;
    for (; steps < IN_A_ROW || at + (steps + 1) * b->step <= end; steps++) {
        good += is_in_band(b, at + steps * b->step, at + (steps + 1) * b->step);
        if (steps < IN_A_ROW && good <= steps)
            return false;
    }
    return (double)good >= MOST * (double)steps;
}

static double shortfall(const struct band *b, int64_t first, int64_t end)
{
    double lost = 0;
    for (int64_t at = first; at < end; at += b->step) {
        struct window w;
        int64_t stop = at + b->step < end ? at + b->step : end;
        timeline_sum(b->timeline, at, stop, &w);
        double due = b->answers * (double)(stop - at);
        if (due > w.ok)
            lost += due - w.ok;
    }
    return lost;
}

/* Looks from one mark on, up to `limit_ns`. */
static void follow(struct result *r, const struct band *b, struct mark *mark, int64_t limit_ns)
{
    int64_t window = r->timeline.window_ns;
    int64_t first = mark->at_ns / window, limit = limit_ns / window, at = first;
    int64_t until_ns = limit_ns;
    mark->back_ns = -1;
    while (at + IN_A_ROW * b->step <= limit && !is_back(b, at, limit))
        at += b->step;
    if (at + IN_A_ROW * b->step <= limit) {
        until_ns = at * window > mark->at_ns ? at * window : mark->at_ns;
        mark->back_ns = until_ns - mark->at_ns;
    } else {
        r->recovery.complete = false;
        at = limit;
    }
    double seconds = (double)(until_ns - mark->at_ns) / 1e9;
    if (seconds > r->recovery.seconds)
        r->recovery.seconds = seconds;
    r->recovery.goodput_lost += shortfall(b, first, at);
}

static void follow_marks(struct result *r, const struct band *b, int64_t end_ns)
{
    size_t count = r->mark_count < MAX_MARKS ? r->mark_count : MAX_MARKS;
    r->recovery.complete = r->mark_count <= MAX_MARKS; /* what is not listed is not known */
    for (size_t i = 0; i < count; i++)
        follow(r, b, &r->marks[i], i + 1 < count ? r->marks[i + 1].at_ns : end_ns);
}

/* Poisoned requests take no innocent one's place: what they were is not expected of it. */
static double lost_in_all(const struct result *r, const struct band *b)
{
    struct window all;
    timeline_sum(b->timeline, 0, TIMELINE_WINDOWS, &all);
    double due = r->steady.rps * (1 - r->share) * r->facts.seconds;
    return due > all.ok ? due - all.ok : 0;
}

void recovery_conclude(struct result *r)
{
    bool has_steady = r->steady.rps > 0 && r->steady.p99_us > 0;
    r->recovery = (struct recovery){0};
    if (!has_steady || (r->mark_count == 0 && r->share <= 0))
        return;
    struct band b = make_band(r);
    r->recovery.goodput_known = true;
    r->recovery.resolution_s = (double)(b.step * r->timeline.window_ns) / 1e9;
    r->recovery.p99_limit_us = b.p99_us;
    if (r->share > 0) {
        r->recovery.goodput_lost = lost_in_all(r, &b);
        return;
    }
    r->recovery.known = true;
    follow_marks(r, &b, (int64_t)(r->facts.seconds * 1e9));
}
