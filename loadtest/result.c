/*
 * result.c — the definitions: victims, time without service, and when the generator itself is to
 * blame.
 */
#include "result.h"

#include <stdio.h>
#include <stdlib.h>

#include "recovery.h"
#include "units.h"

enum {
    SLOW_FACTOR = 10,    /* a victim waited this many times the steady p99 */
    BUSY_PERCENT = 95,   /* a thread that uses more of a CPU than this has nothing in reserve */
    SLIP_FLOOR_US = 1000 /* less than this is the kernel's timer, not overload */
};

/* The waiting ones had waited at least so long. */
static void measure_delay(struct result *r)
{
    struct victims *v = &r->victims;
    const struct tally *t = r->tally;
    int64_t base = r->steady.p99_us;
    int64_t longest =
        t->corrected.max_us > t->censored.max_us ? t->corrected.max_us : t->censored.max_us;
    v->delay_max_us = longest - base;
    v->delay_sum_us = hist_excess_us(&t->corrected, v->threshold_us, base) +
                      hist_excess_us(&t->censored, v->threshold_us, base);
}

static void count_victims(struct result *r)
{
    struct victims *v = &r->victims;
    v->failed = ledger_failed(&r->tally->ledger, INNOCENT);
    v->threshold_us = SLOW_FACTOR * r->steady.p99_us;
    if (v->threshold_us > 0) {
        v->slow = hist_count_above(&r->tally->corrected, v->threshold_us);
        v->waiting = hist_count_above(&r->tally->censored, v->threshold_us);
    }
    if (v->slow + v->waiting > 0)
        measure_delay(r);
    uint64_t all = v->failed + v->slow + v->waiting;
    v->allowance = r->steady.victims;
    v->total = all > v->allowance ? all - v->allowance : 0;
}

/* In the open loop a late generator spoils the latencies, so the run is of no use. In the closed
 * loop a busy one only means that the server might do more: the figures are true, but a lower
 * bound. */
static void judge_generator(struct result *r)
{
    bool busy = r->facts.cpu_percent > BUSY_PERCENT;
    int64_t slip = hist_quantile_us(&r->tally->slip, 0.99);
    const struct hist *h = &r->tally->corrected;
    int64_t p99 = hist_quantile_us(h->total > 0 ? h : &r->tally->failed, 0.99);
    if (r->rate <= 0) {
        r->limited = busy;
        r->limited_why = "a thread of the generator used more than 95 % of its CPU: the server may "
                         "be able to do more than this";
    } else if (slip > SLIP_FLOOR_US && slip > p99 / 2) {
        r->limited = true;
        r->limited_why = "requests left late although a connection was free: lower -R, or give the "
                         "generator more threads or CPUs";
    } else if (busy) {
        r->limited = true;
        r->limited_why = "a thread of the generator used more than 95 % of its CPU: lower -R, or "
                         "give it more threads";
    }
    if (!r->limited)
        r->limited_why = NULL;
}

void result_mark(struct result *r, int64_t at_ns, const char *kind)
{
    size_t i = r->mark_count++;
    if (i >= MAX_MARKS)
        return;
    for (; i > 0 && r->marks[i - 1].at_ns > at_ns; i--)
        r->marks[i] = r->marks[i - 1];
    r->marks[i] = (struct mark){.at_ns = at_ns};
    snprintf(r->marks[i].kind, sizeof r->marks[i].kind, "%s", kind);
}

void result_conclude(struct result *r)
{
    const struct tally *t = r->tally;
    int64_t length_ns = (int64_t)(r->facts.seconds * 1e9);
    r->rps = r->facts.seconds > 0 ? (double)t->ok_in_time / r->facts.seconds : 0;
    r->full_rate = r->facts.seconds > 0 ? (double)t->full.in_time / r->facts.seconds : 0;
    r->resumed_rate = r->facts.seconds > 0 ? (double)t->resumed.in_time / r->facts.seconds : 0;
    double usual = r->steady.rps > 0 ? r->steady.rps : r->rps;
    if (schedule_varies(&r->schedule)) /* few at the foot of a ramp are not a server that is gone */
        usual = schedule_lowest_rate(&r->schedule);
    int64_t resolution_ns;
    r->without_service_s =
        (double)timeline_without_service_ns(&r->timeline, length_ns, usual, &resolution_ns) / 1e9;
    r->resolution_s = (double)resolution_ns / 1e9;
    count_victims(r);
    recovery_conclude(r);
    if (r->server.asked)
        reconcile(&r->server, &t->ledger, &r->warmup->ledger);
    judge_generator(r);
    if (!ledger_balances(&t->ledger))
        r->invalid = "the ledger does not balance: this is a fault of loadtest, please report it";
    else if (r->limited && r->rate > 0)
        r->invalid = "generator-limited: the latencies are partly the generator's own";
    else if (ledger_class(&t->ledger, OUTCOME_LOCAL) > 0)
        r->invalid = "this machine ran out of descriptors, ports or memory: use fewer connections, "
                     "or keep them alive";
    else if (r->server.comparable && !r->server.reconciled)
        r->invalid =
            "the server's count of requests and ours do not agree: was somebody else using "
            "it?";
    else if (r->trouble.text[0])
        r->invalid = r->trouble.text;
}

double result_due_rate(const struct result *r, size_t i)
{
    int64_t length = r->timeline.row_seconds * NS_PER_S;
    int64_t begin = (int64_t)i * length, end = begin + length;
    int64_t run_end = (int64_t)(r->facts.seconds * 1e9);
    if (end > run_end)
        end = run_end;
    if (begin >= end)
        return 0;
    return (schedule_due_by(&r->schedule, end) - schedule_due_by(&r->schedule, begin)) * 1e9 /
           (double)(end - begin);
}

void result_free(struct result *r)
{
    free(r->tally);
    free(r->warmup);
    if (r->timeline.rows)
        timeline_free(&r->timeline);
}
