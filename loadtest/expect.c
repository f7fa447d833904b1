/*
 * expect.c — a table of names and the numbers behind them; no expression language.
 */
#include "expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

enum unit { NUMBER, LATENCY, SECONDS, SHARE /* or number */ };

static double innocent_total(const struct result *r)
{
    return (double)(r->tally->ledger.started[INNOCENT] + r->tally->ledger.never_sent);
}

static double count_ok(const struct result *r)
{
    return (double)r->tally->ledger.ended[INNOCENT][OUTCOME_OK];
}

static double count_failed(const struct result *r)
{
    return (double)ledger_failed(&r->tally->ledger, INNOCENT);
}

static double count_victims(const struct result *r)
{
    return (double)r->victims.total;
}

static double count_injected(const struct result *r)
{
    return (double)r->tally->ledger.started[INJECTED];
}

static double count_scheduled(const struct result *r)
{
    return (double)r->tally->ledger.scheduled;
}

static double count_unfinished(const struct result *r)
{
    return (double)(r->tally->ledger.unfinished[INNOCENT] + r->tally->ledger.unfinished[INJECTED]);
}

static double count_never_sent(const struct result *r)
{
    return (double)r->tally->ledger.never_sent;
}

static double rate(const struct result *r)
{
    return r->rps;
}

/* What is not known is not within any bound. */
static double recovery(const struct result *r)
{
    return r->recovery.known && r->recovery.complete ? r->recovery.seconds : INFINITY;
}

static double goodput_lost(const struct result *r)
{
    return r->recovery.goodput_known ? r->recovery.goodput_lost : INFINITY;
}

static double silence(const struct result *r)
{
    return r->without_service_s;
}

static double count_handshakes(const struct result *r)
{
    return (double)tally_handshakes(r->tally);
}

static double count_resumed(const struct result *r)
{
    return (double)r->tally->resumed.took.total;
}

static double handshake_rate(const struct result *r)
{
    return r->full_rate + r->resumed_rate;
}

static const struct {
    const char *name;
    enum unit unit;
    double (*measure)(const struct result *r);
    double (*whole)(const struct result *r); /* of a share */
} names[] = {{"victims", NUMBER, count_victims, NULL},
             {"ok", SHARE, count_ok, innocent_total},
             {"failed", SHARE, count_failed, innocent_total},
             {"injected", NUMBER, count_injected, NULL},
             {"scheduled", NUMBER, count_scheduled, NULL},
             {"unfinished", NUMBER, count_unfinished, NULL},
             {"never_sent", NUMBER, count_never_sent, NULL},
             {"rps", NUMBER, rate, NULL},
             {"handshakes", NUMBER, count_handshakes, NULL},
             {"resumed", SHARE, count_resumed, count_handshakes},
             {"handshakes_per_second", NUMBER, handshake_rate, NULL},
             {"without_service", SECONDS, silence, NULL},
             {"recovery", SECONDS, recovery, NULL},
             {"goodput_lost", NUMBER, goodput_lost, NULL}};

enum { NAMES = sizeof names / sizeof names[0] };

static int find_name(const char *name)
{
    int i = 0;
    while (i < NAMES && strcmp(names[i].name, name) != 0)
        i++;
    return i;
}

/* p50 … max, or -1. */
static double quantile_by_name(const char *name)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    if (strncmp(name, "raw_", 4) == 0)
        name += 4;
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        if (strcmp(name, quantiles[i].name) == 0)
            return quantiles[i].q;
    return -1;
}

static bool find_unit(const char *name, enum unit *unit)
{
    if (find_name(name) < NAMES)
        *unit = names[find_name(name)].unit;
    else if (quantile_by_name(name) >= 0)
        *unit = LATENCY;
    else if (outcome_by_name(name) != OUTCOMES)
        *unit = NUMBER;
    else
        return false;
    return true;
}

static bool parse_relation(const char **text, struct expectation *e)
{
    static const char *const signs[] = {[AT_MOST] = "<=", [AT_LEAST] = ">=", [EQUAL] = "==",
                                        [UNEQUAL] = "!=", [LESS] = "<",      [MORE] = ">"};
    static const unsigned order[] = {AT_MOST, AT_LEAST, EQUAL, UNEQUAL, LESS, MORE};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        size_t length = strlen(signs[order[i]]);
        if (strncmp(*text, signs[order[i]], length) != 0)
            continue;
        e->relation = order[i];
        *text += length;
        *text += strspn(*text, " ");
        return true;
    }
    return false;
}

static bool parse_value(const char *text, enum unit unit, struct expectation *e)
{
    char value[SHORT_TEXT];
    snprintf(value, sizeof value, "%s", text);
    value[strcspn(value, " ")] = '\0';
    if (unit == LATENCY || unit == SECONDS) {
        int64_t ns;
        if (!parse_duration(value, &ns))
            return false;
        e->value = (double)ns / (unit == LATENCY ? 1e3 : 1e9);
        return true;
    }
    char *end;
    e->value = strtod(value, &end);
    e->percent = unit == SHARE && *end == '%';
    return end != value && end[e->percent] == '\0';
}

bool expectation_parse(const char *text, struct expectation *e, struct complaint *why)
{
    memset(e, 0, sizeof *e);
    e->text = text;
    const char *rest = text + strspn(text, " ");
    size_t length = strcspn(rest, " <>=!");
    enum unit unit;
    if (length == 0 || length >= sizeof e->name)
        return complain(why, "\"%s\" is not NAME OP VALUE, such as 'p99 < 20ms'", text);
    memcpy(e->name, rest, length);
    rest += length;
    rest += strspn(rest, " ");
    if (!find_unit(e->name, &unit))
        return complain(why,
                        "\"%s\" is not known: use victims, ok, failed, rps, p50, p90, p99, p999, "
                        "max, without_service, recovery, goodput_lost, handshakes, resumed, "
                        "handshakes_per_second, or a failure class",
                        e->name);
    if (!parse_relation(&rest, e))
        return complain(why, "\"%s\" lacks one of < <= > >= == != after %s", text, e->name);
    if (!parse_value(rest, unit, e))
        return complain(why, "\"%s\": %s is compared with %s", text, e->name,
                        unit == NUMBER  ? "a number"
                        : unit == SHARE ? "a number or a share such as 99.9%"
                                        : "a duration such as 20ms");
    return true;
}

static double measure(const struct expectation *e, const struct result *r)
{
    int i = find_name(e->name);
    if (i < NAMES) {
        double value = names[i].measure(r);
        if (!e->percent)
            return value;
        double whole = names[i].whole(r);
        return whole > 0 ? 100 * value / whole : 0;
    }
    double q = quantile_by_name(e->name);
    if (q < 0)
        return (double)ledger_class(&r->tally->ledger, outcome_by_name(e->name));
    bool raw = strncmp(e->name, "raw_", 4) == 0;
    return (double)hist_quantile_us(raw ? &r->tally->raw : &r->tally->corrected, q);
}

bool expectation_holds(const struct expectation *e, const struct result *r, double *measured)
{
    double m = measure(e, r);
    *measured = m;
    switch (e->relation) {
    case LESS:
        return m < e->value;
    case AT_MOST:
        return m <= e->value;
    case MORE:
        return m > e->value;
    case AT_LEAST:
        return m >= e->value;
    case EQUAL:
        return !(m < e->value) && !(m > e->value);
    case UNEQUAL:
        return m < e->value || m > e->value;
    }
    return false;
}

const char *expectation_format(const struct expectation *e, double measured, char out[SHORT_TEXT])
{
    enum unit unit = NUMBER;
    if (e->percent)
        snprintf(out, SHORT_TEXT, "%.8g %%", measured);
    else if (find_unit(e->name, &unit) && unit == LATENCY)
        return format_us(measured, out);
    else if (unit == SECONDS)
        return format_us(measured * 1e6, out);
    else
        snprintf(out, SHORT_TEXT, "%.10g", measured);
    return out;
}
