/*
 * compare.c — A B, B A, B A, …: short turns, so that whatever else happens on the machine happens
 * to all subjects alike.
 *
 * Two long runs one after the other measure the two minutes in which they took place; a server
 * compared with itself in that way differs by ten per cent and more on a shared machine. Short
 * turns, and the ratio taken within each round, let what lasts longer than a round cancel out.
 *
 * Who goes first is drawn anew for each round, and by nothing but the seed. That, not balance, is
 * what makes the rounds' ratios independent of one another: were the order A B, B A by turns, the two
 * turns of B would be neighbours, a disturbance of their joint length would hit both, and two
 * rounds would tell the same lie.
 */
#include "compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../interrupt.h"
#include "../measure.h"
#include "../report/output.h"
#include "../report/progress.h"
#include "../run.h"
#include "../server/procstat.h"
#include "../units.h"

#define SETTLE_NS (5 * NS_PER_MS) /* for the server to close the connections of a round */

enum {
    ORDER_STREAM = 1000, /* of the seed; the engine's threads have those from 0 on */
    TRIES = 10           /* turns in which a server must have answered something */
};

static bool prepare(struct comparison *c, struct complaint *why)
{
    const struct compare_options *o = c->options;
    for (size_t i = 0; i < o->subject_count; i++) {
        struct compare_subject *s = &c->subjects[i];
        struct url url;
        s->name = o->subjects[i].name;
        s->url = o->subjects[i].url;
        s->rounds = calloc(o->rounds, sizeof *s->rounds);
        s->total = calloc(1, sizeof *s->total);
        if (!s->rounds || !s->total)
            return complain(why, "out of memory");
        if (!url_parse(s->url, &url, why) || !url_resolve(&url, &s->address, why))
            return false;
    }
    time_t now = time(NULL);
    struct tm utc;
    strftime(c->started, sizeof c->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    c->start_ns = now_ns();
    return true;
}

static void release(struct comparison *c)
{
    for (size_t i = 0; i < c->options->subject_count; i++) {
        free(c->subjects[i].rounds);
        free(c->subjects[i].total);
    }
}

/* ── One turn ──────────────────────────────────────────────────────────────────────────────────*/

/* The server may have been started anew since the last time. */
static bool read_cpu(struct compare_subject *s, struct tree_usage *usage)
{
    if (s->server.pid > 0 && tree_cpu(s->server.pid, usage))
        return true;
    if (!listener_owner_find(&s->address, &s->server, &s->server_unknown))
        s->server.pid = 0;
    return s->server.pid > 0 && tree_cpu(s->server.pid, usage);
}

static void settle(void)
{
    struct timespec t = {.tv_nsec = SETTLE_NS};
    nanosleep(&t, NULL);
}

/* A run, with the server's CPU time around it. */
static bool load(struct comparison *c, struct compare_subject *s, struct result *r, double *cpu_us,
                 struct complaint *why)
{
    struct run_options o = c->options->load;
    struct tree_usage before, after;
    o.urls[0] = s->url;
    o.dress.headers = o.headers;
    o.quiet = true;
    bool known = read_cpu(s, &before);
    pid_t server = s->server.pid;
    if (!run_measure(&o, NULL, r, why))
        return false;
    settle();
    known = known && read_cpu(s, &after) && s->server.pid == server;
    uint64_t answered = ledger_answered(&r->tally->ledger) + ledger_answered(&r->warmup->ledger);
    *cpu_us = known && answered > 0 ? 1e6 * (after.cpu_s - before.cpu_s) / (double)answered : NAN;
    return true;
}

static void book(const struct comparison *c, struct compare_subject *s, const struct result *r,
                 double cpu_us)
{
    struct round *round = &s->rounds[c->rounds_done];
    const struct hist *h = &r->tally->corrected;
    bool any = r->rps > 0 && h->total > 0;
    *round = (struct round){.at_s = (double)(r->timeline.start_ns - c->start_ns) / 1e9,
                            .seconds = r->facts.seconds,
                            .ok = ledger_class(&r->tally->ledger, OUTCOME_OK),
                            .failed = ledger_failed(&r->tally->ledger, INNOCENT),
                            .limited = r->limited,
                            .invalid = r->invalid};
    round->figures[FIGURE_RPS] = any ? r->rps : NAN;
    round->figures[FIGURE_CPU] = cpu_us > 0 ? cpu_us : NAN;
    round->figures[FIGURE_P50] = any ? hist_quantile_fine_us(h, 0.5) : NAN;
    round->figures[FIGURE_P99] = any ? hist_quantile_fine_us(h, 0.99) : NAN;
    s->limited += r->limited;
    if (r->invalid)
        s->invalid++;
    else
        tally_merge(s->total, r->tally);
}

/* A turn that is not counted. On a machine that is busy enough a good server may not get to answer
 * within one, so it is given a few, unless requests did not only wait but fail. */
static int try_out(struct comparison *c, struct compare_subject *s, struct complaint *why)
{
    uint64_t ok = 0, answered = 0, failed = 0, status_4xx = 0, status_5xx = 0;
    for (int i = 0; i < TRIES && answered + failed == 0 && !interrupted(); i++) {
        struct result r;
        double cpu_us;
        if (!load(c, s, &r, &cpu_us, why))
            return EXIT_INVALID;
        const struct ledger *l = &r.tally->ledger;
        ok = ledger_class(l, OUTCOME_OK);
        status_4xx = ledger_class(l, OUTCOME_STATUS_4XX);
        status_5xx = ledger_class(l, OUTCOME_STATUS_5XX);
        failed = ledger_failed(l, INNOCENT);
        answered = ledger_answered(l) + ledger_answered(&r.warmup->ledger);
        result_free(&r);
    }
    if (answered == 0) {
        complain(why, "nothing was tested: %s answered no request; is a server listening at %s?",
                 s->name, s->url);
        return EXIT_NOTHING_TESTED;
    }
    if (ok > 0 || status_4xx + status_5xx == 0)
        return EXIT_HELD;
    complain(why,
             "%s answered no request with success (%llu times 4xx, %llu times 5xx): is %s what was "
             "meant?",
             s->name, (unsigned long long)status_4xx, (unsigned long long)status_5xx, s->url);
    return EXIT_INVALID;
}

/* Before anything is counted: is there a server, and does it answer well? */
static int practise(struct comparison *c, struct complaint *why)
{
    int status = EXIT_HELD;
    for (size_t i = 0; i < c->options->subject_count && status == EXIT_HELD && !interrupted(); i++)
        status = try_out(c, &c->subjects[i], why);
    return status;
}

/* ── All turns ─────────────────────────────────────────────────────────────────────────────────*/

/* The order of a round. */
static void shuffle(unsigned *order, size_t count, struct rng *rng)
{
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)(rng_unit(rng) * (double)(i + 1));
        order[i] = order[j];
        order[j] = (unsigned)i;
    }
}

static bool one_round(struct comparison *c, const unsigned *order, struct complaint *why)
{
    for (size_t k = 0; k < c->options->subject_count; k++) {
        struct compare_subject *s = &c->subjects[order[k]];
        struct result r;
        double cpu_us;
        if (!load(c, s, &r, &cpu_us, why))
            return false;
        book(c, s, &r, cpu_us);
        result_free(&r);
        if (interrupted()) /* half a round is none */
            return complain(why, "interrupted after %zu of %u rounds", c->rounds_done,
                            c->options->rounds);
    }
    return true;
}

static void show(const struct comparison *c, struct progress *progress)
{
    char text[160], a[SHORT_TEXT], b[SHORT_TEXT];
    const struct compare_subject *s = c->subjects;
    size_t last = c->rounds_done - 1;
    double base = s[0].rounds[last].figures[FIGURE_RPS];
    double other = s[1].rounds[last].figures[FIGURE_RPS];
    snprintf(text, sizeof text, "round %zu of %u: %s %s/s, %s %s/s", c->rounds_done,
             c->options->rounds, s[0].name, format_count(isnan(base) ? 0 : (uint64_t)base, a),
             s[1].name, format_count(isnan(other) ? 0 : (uint64_t)other, b));
    progress_phase(progress, text);
}

static bool all_rounds(struct comparison *c, struct complaint *why)
{
    unsigned order[COMPARE_MAX];
    struct rng rng;
    struct progress progress;
    bool good = true;
    progress_init(&progress, !c->options->load.quiet, NULL, c->options->load.duration_ns);
    rng_seed(&rng, c->options->load.seed, ORDER_STREAM);
    while (good && c->rounds_done < c->options->rounds) {
        shuffle(order, c->options->subject_count, &rng);
        good = one_round(c, order, why);
        c->rounds_done += good;
        if (good)
            show(c, &progress);
    }
    progress_end(&progress);
    return good;
}

/* ── Beginning and end ─────────────────────────────────────────────────────────────────────────*/

static bool anything_found(const struct comparison *c)
{
    for (size_t i = 1; i < c->options->subject_count; i++)
        if (c->overall[i] == VERDICT_UNKNOWN)
            return false;
    return true;
}

/* What can be asked for besides the text. */
enum { JSON, CSV, HTML, FORMATS };

static int tell(const struct comparison *c, struct output outputs[FORMATS])
{
    static void (*const writers[FORMATS])(FILE * out, const struct comparison *c) = {
        [JSON] = compare_json, [CSV] = compare_csv, [HTML] = compare_html};
    struct complaint why;
    if (!outputs_take_stdout(outputs, FORMATS))
        compare_report(stdout, c);
    for (size_t i = 0; i < FORMATS; i++)
        if (outputs[i].file)
            writers[i](outputs[i].file, c);
    if (outputs_close(outputs, FORMATS, &why))
        return anything_found(c) ? EXIT_HELD : EXIT_INVALID;
    fprintf(stderr, "loadtest: %s\n", why.text);
    return EXIT_INVALID;
}

/* An interrupted comparison is told as far as it came. */
static int compare(struct comparison *c, struct output outputs[FORMATS])
{
    struct complaint why = {""};
    int status = prepare(c, &why) ? practise(c, &why) : EXIT_INVALID;
    if (status == EXIT_HELD && !all_rounds(c, &why))
        status = interrupted() && c->rounds_done >= STATS_MIN ? EXIT_HELD : EXIT_INVALID;
    if (why.text[0])
        fprintf(stderr, "loadtest: %s\n", why.text);
    if (status != EXIT_HELD)
        return status;
    comparison_conclude(c);
    return tell(c, outputs);
}

int compare_main(int argc, char *const *argv, const char *command)
{
    struct compare_options options;
    struct complaint why;
    compare_options_default(&options);
    bool good = compare_options_parse(&options, argc, argv, &why);
    if (good && options.load.help) {
        compare_options_help();
        return EXIT_HELD;
    }
    if (good && options.load.version) {
        puts("loadtest " TANDEM_VERSION);
        return EXIT_HELD;
    }
    struct output outputs[FORMATS] = {[JSON] = {.name = options.load.json},
                                      [CSV] = {.name = options.load.csv},
                                      [HTML] = {.name = options.load.html}};
    if (!good || !outputs_open(outputs, FORMATS, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    struct comparison c = {.options = &options, .command = command};
    int status = compare(&c, outputs);
    outputs_give_up(outputs, FORMATS); /* those that tell() has not closed */
    release(&c);
    return status;
}
