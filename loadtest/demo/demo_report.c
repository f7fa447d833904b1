/*
 * demo_report.c — one table, and below it what its numbers say.
 *
 * No sentence here is true by assumption: each is chosen and filled in from what was measured, and
 * says so when that is not what processes and threads are expected to do.
 */
#include <inttypes.h>
#include <string.h>

#include "../report/cell.h"
#include "../units.h"
#include "demo_result.h"

static const char *fault_name(const struct demo *d)
{
    return strcmp(d->options->kind, "segv") == 0 ? "SIGSEGV" : d->options->kind;
}

static void header(FILE *out, const struct demo *d)
{
    const struct demo_options *o = d->options;
    fprintf(out, "\n%u keep-alive connections, ", o->connections);
    if (o->depth > 1)
        fprintf(out, "%u requests in flight on each, ", o->depth);
    fprintf(out, "a file of 1 KiB, %.3g s a run, closed loop, seed %" PRIu64 ".\n",
            (double)o->duration_ns / 1e9, o->seed);
    if (d->server_cpu >= 0)
        fprintf(out, "Each server runs on CPU %d alone, the client on the others.\n\n",
                d->server_cpu);
    else if (o->elsewhere)
        fputs(
            "The servers run elsewhere (--against), with whatever CPUs they were given there.\n\n",
            out);
    else
        fputs("Server and client share the CPUs, so each takes time from the other.\n\n", out);
    fputs("server  load            rps      p50      p99  victims  no service  500, kept   CPU/req "
          "   "
          "memory\n",
          out);
}

static void count_cell(FILE *out, int width, uint64_t n)
{
    char text[SHORT_TEXT];
    cell(out, width, format_count(n, text));
}

static void victims_cell(FILE *out, size_t kind, const struct victims *v)
{
    char text[SHORT_TEXT], framed[SHORT_TEXT + 2];
    if (kind == FAULTY) {
        count_cell(out, 9, v->total);
        return;
    }
    snprintf(framed, sizeof framed, "(%s)", format_count(v->total, text));
    cell(out, 9, framed);
}

static void row(FILE *out, const struct demo *d, const struct demo_subject *s, size_t kind)
{
    const struct demo_run *run = &s->runs[kind];
    char load[32], text[SHORT_TEXT];
    if (kind == STEADY)
        snprintf(load, sizeof load, "steady");
    else
        snprintf(load, sizeof load, "%g%% %.10s", 100 * d->options->share, fault_name(d));
    fprintf(out, "%-7s %-11s", kind == STEADY ? s->name : "", load);
    if (!run->done) {
        fputs("  not measured\n", out);
        return;
    }
    const struct result *r = &run->result;
    count_cell(out, 8, (uint64_t)(r->rps + 0.5));
    cell(out, 9, format_us((double)hist_quantile_us(&r->tally->corrected, 0.5), text));
    cell(out, 9, format_us((double)hist_quantile_us(&r->tally->corrected, 0.99), text));
    victims_cell(out, kind, &r->victims);
    snprintf(text, sizeof text, "%.2f s", r->without_service_s);
    cell(out, 12, text);
    if (kind == FAULTY)
        count_cell(out, 11, r->tally->fate.answered_5xx_kept);
    else
        cell(out, 11, "-");
    cell(out, 10, format_us(run->cpu_us, text));
    if (run->memory == 0)
        cell(out, 10, "?");
    else
        cell(out, 10, format_bytes((double)run->memory, text));
    fputc('\n', out);
}

static void legend(FILE *out, const struct demo *d)
{
    bool of_workers = false;
    for (size_t i = 0; i < SUBJECTS; i++)
        for (size_t k = 0; k < RUNS; k++)
            of_workers |= d->subjects[i].runs[k].memory_of_workers;
    fputs(
        "\nWhat the columns say\n"
        "  rps         requests answered well (2xx), per second\n"
        "  p50, p99    half, and 99 in a hundred, of them took no longer, counted from when they "
        "were due\n"
        "  victims     innocent requests, not poisoned themselves, that failed, were cut off, or "
        "took\n"
        "              longer than ten times the steady p99, less those of the steady run (in "
        "brackets)\n"
        "  no service  time in which nobody was answered well\n"
        "  500, kept   poisoned requests that got a clean 5xx on a connection that stayed usable\n"
        "  CPU/req     the server's own CPU time per answered request, its dead children's "
        "included\n"
        "  memory      PSS of all its processes after the run: shared pages are counted once\n",
        out);
    if (of_workers && d->options->elsewhere)
        fputs("              (of its workers alone, as its /metrics tell)\n", out);
    else if (of_workers)
        fputs("              (of its workers alone, as they tell; run as root to count its other "
              "processes, too)\n",
              out);
}

/* ── The findings ──────────────────────────────────────────────────────────────────────────────*/

static const char *long_name(size_t index)
{
    static const char *const names[SUBJECTS] = {
        [THREAD] = "Threads (server-thread)",
        [POOL] = "Processes that are reused (server-proc, pool)",
        [FRESH] = "A process for each request (server-proc, fresh)"};
    return names[index];
}

static double share_kept(const struct demo_subject *s)
{
    double steady = s->runs[STEADY].result.rps;
    return steady > 0 ? 100 * s->runs[FAULTY].result.rps / steady : 0;
}

static void tell_victims(FILE *out, const struct result *r)
{
    char n[SHORT_TEXT];
    const struct victims *v = &r->victims;
    double sent = (double)r->tally->ledger.started[INJECTED];
    if (v->total == 0) {
        fputs("    No other request suffered from that: the faults stayed where they were.\n", out);
        return;
    }
    fprintf(out, "    %s other requests suffered from that, %.2f for each poisoned one",
            format_count(v->total, n), sent > 0 ? (double)v->total / sent : 0);
    fprintf(out, " (%s failed,", format_count(v->failed, n));
    fprintf(out, " %s took too long).\n", format_count(v->slow + v->waiting, n));
}

/* Both sides of the experiment: what was injected, and what the server counted. */
static void tell_check(FILE *out, const struct demo_check *c)
{
    char killed[SHORT_TEXT], deaths[SHORT_TEXT], injected[SHORT_TEXT];
    if (!c->known) {
        fputs("    Check FAILED: its /metrics did not tell what it counted.\n", out);
        return;
    }
    format_count(c->killed, killed);
    format_count(c->deaths, deaths);
    format_count(c->injected, injected);
    if (c->together)
        fprintf(
            out,
            "    Check %s: it counted %s deaths of its process and found %s requests guilty, of "
            "%s faults\n    injected (the others were there when another one struck).\n",
            c->holds ? "passed" : "FAILED", deaths, killed, injected);
    else
        fprintf(out, "    Check %s: it counted %s requests that died %s %s faults injected.\n",
                c->holds ? "passed" : "FAILED", killed,
                c->killed == c->injected  ? "="
                : c->killed < c->injected ? "<"
                                          : ">",
                injected);
}

/* What happened to one subject, as measured. */
static void tell_subject(FILE *out, const struct demo *d, size_t index)
{
    const struct demo_subject *s = &d->subjects[index];
    const struct result *r = &s->runs[FAULTY].result;
    char sent[SHORT_TEXT], kept[SHORT_TEXT];
    if (!s->runs[STEADY].done || !s->runs[FAULTY].done)
        return;
    uint64_t injected = r->tally->ledger.started[INJECTED];
    uint64_t answered = r->tally->fate.answered_5xx_kept;
    fprintf(out, "  %s: %s requests were poisoned (%s), %.0f a second.\n", long_name(index),
            format_count(injected, sent), fault_name(d),
            r->facts.seconds > 0 ? (double)injected / r->facts.seconds : 0);
    if (answered == injected)
        fputs("    Each of them got a clean 5xx on a connection that stayed usable.\n", out);
    else
        fprintf(out, "    %s of them got a clean 5xx on a connection that stayed usable.\n",
                format_count(answered, kept));
    tell_victims(out, r);
    fprintf(out,
            "    It kept %.0f %% of its steady throughput; for %.2f s nobody was served (steady: "
            "%.2f s).\n",
            share_kept(s), r->without_service_s, s->runs[STEADY].result.without_service_s);
    tell_check(out, &s->check);
}

static bool measured(const struct demo *d, size_t index)
{
    return d->subjects[index].runs[STEADY].done && d->subjects[index].runs[FAULTY].done;
}

static uint64_t victims_of(const struct demo *d, size_t index)
{
    return d->subjects[index].runs[FAULTY].result.victims.total;
}

/* Do processes isolate, do threads die together? Only as far as the numbers say so. */
static void tell_isolation(FILE *out, const struct demo *d)
{
    char n[SHORT_TEXT];
    if (measured(d, POOL) && measured(d, FRESH)) {
        uint64_t sum = victims_of(d, POOL) + victims_of(d, FRESH);
        if (sum == 0)
            fputs("  Processes isolate: in neither process model did a crash reach anyone else.\n",
                  out);
        else
            fprintf(out,
                    "  Processes were expected to isolate completely, and here they did not: %s "
                    "victims in the two\n  process models together.\n",
                    format_count(sum, n));
    }
    if (!measured(d, THREAD))
        return;
    if (victims_of(d, THREAD) > 0)
        fprintf(out,
                "  Threads die together: a crash in one ended the process, and %s requests of "
                "others with it.\n",
                format_count(victims_of(d, THREAD), n));
    else
        fputs("  Threads were expected to die together, but no victim was measured in this run.\n",
              out);
}

/* What isolation costs when nothing goes wrong. */
static void tell_price(FILE *out, const struct demo *d, size_t index)
{
    if (!measured(d, THREAD) || !measured(d, index))
        return;
    const struct demo_run *thread = &d->subjects[THREAD].runs[STEADY];
    const struct demo_run *other = &d->subjects[index].runs[STEADY];
    if (thread->cpu_us <= 0 || other->cpu_us <= 0 || thread->result.rps <= 0)
        return;
    double more = other->cpu_us - thread->cpu_us;
    fprintf(out,
            "  Steady, %s costs %.1f µs of CPU %s per request than threads (%.1f against %.1f)",
            d->subjects[index].name, more < 0 ? -more : more, more < 0 ? "less" : "more",
            other->cpu_us, thread->cpu_us);
    fprintf(out, "\n  and answers %.0f %% as many requests per second",
            100 * other->result.rps / thread->result.rps);
    if (other->memory_of_workers == thread->memory_of_workers && thread->memory > 0)
        fprintf(out, ", with %.1f times the memory%s",
                (double)other->memory / (double)thread->memory,
                other->memory_of_workers ? " in its workers" : "");
    fputs(".\n", out);
}

static void tell_limits(FILE *out, const struct demo *d)
{
    for (size_t i = 0; i < SUBJECTS; i++) {
        for (size_t k = 0; k < RUNS; k++) {
            const struct demo_run *run = &d->subjects[i].runs[k];
            if (!run->done)
                continue;
            if (run->result.invalid)
                fprintf(out, "  INVALID: %s, %s: %s\n", d->subjects[i].name,
                        k == STEADY ? "steady" : "under fault", run->result.invalid);
            else if (run->result.limited)
                fprintf(out, "  Note: %s, %s: %s.\n", d->subjects[i].name,
                        k == STEADY ? "steady" : "under fault", run->result.limited_why);
        }
        if (measured(d, i) && !d->subjects[i].check.holds)
            fprintf(out,
                    "  INVALID: %s: the deaths it counted and the faults injected do not agree.\n",
                    d->subjects[i].name);
        if (d->subjects[i].trouble.text[0])
            fprintf(out, "  Not measured: %s: %s\n", d->subjects[i].name,
                    d->subjects[i].trouble.text);
    }
}

void demo_findings(FILE *out, const struct demo *d)
{
    fputs("\nWhat happened\n", out);
    for (size_t i = 0; i < SUBJECTS; i++)
        tell_subject(out, d, i);
    fputs("\nWhat it means\n", out);
    tell_isolation(out, d);
    tell_price(out, d, POOL);
    tell_price(out, d, FRESH);
    fputs("  The runs followed one another, so throughput also shows what else the machine was "
          "doing; "
          "CPU per\n  request does so far less.\n",
          out);
    tell_limits(out, d);
}

void demo_report(FILE *out, const struct demo *d)
{
    header(out, d);
    for (size_t i = 0; i < SUBJECTS; i++)
        for (size_t k = 0; k < RUNS; k++)
            row(out, d, &d->subjects[i], k);
    legend(out, d);
    demo_findings(out, d);
}
