/*
 * schedule.c — integrals of straight lines, and their inverses.
 */
#include "schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../units.h"

#define LENGTH_MAX_NS INT64_C(320000000000000000) /* ten years, as for any duration */

void schedule_constant(struct schedule *s, double rate)
{
    s->stages[0] = (struct schedule_stage){.length_ns = INT64_MAX, .from = rate, .to = rate};
    s->stage_count = 1;
}

/* "5000" or "0-5000" */
static bool parse_rates(const char *text, struct schedule_stage *stage)
{
    char from[SHORT_TEXT];
    size_t length = strcspn(text, "-");
    if (length >= sizeof from)
        return false;
    snprintf(from, sizeof from, "%.*s", (int)length, text);
    if (!parse_rate(from, &stage->from))
        return false;
    stage->to = stage->from;
    return text[length] == '\0' || parse_rate(text + length + 1, &stage->to);
}

/* One stage, of which nothing else is in `text`. */
static bool parse_stage(char *text, struct schedule_stage *stage)
{
    char *at = strchr(text, '@');
    if (!at)
        return false;
    *at = '\0';
    return parse_duration(text, &stage->length_ns) && stage->length_ns > 0 &&
           parse_rates(at + 1, stage);
}

bool schedule_parse(const char *text, struct schedule *s, struct complaint *why)
{
    s->stage_count = 0;
    for (const char *at = text;;) {
        char piece[2 * SHORT_TEXT];
        size_t length = strcspn(at, ",");
        snprintf(piece, sizeof piece, "%.*s", (int)length, at);
        if (s->stage_count == MAX_STAGES)
            return complain(why, "there can be %d stages at most", MAX_STAGES);
        if (length >= sizeof piece || !parse_stage(piece, &s->stages[s->stage_count++]))
            return complain(why,
                            "\"%.*s\" is not a stage: write 10s@1000 for a rate, 10s@0-5000 for a "
                            "ramp, with commas between them",
                            (int)(length < sizeof piece ? length : sizeof piece), at);
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    if (schedule_length_ns(s) > LENGTH_MAX_NS)
        return complain(why, "the stages last for more than ten years");
    if (schedule_mean_rate(s) <= 0)
        return complain(why, "no stage has a rate above 0: nothing would be sent");
    return true;
}

double schedule_lowest_rate(const struct schedule *s)
{
    double lowest = s->stages[0].from;
    for (size_t i = 0; i < s->stage_count; i++)
        lowest = fmin(lowest, fmin(s->stages[i].from, s->stages[i].to));
    return lowest;
}

bool schedule_varies(const struct schedule *s)
{
    double lowest = schedule_lowest_rate(s);
    for (size_t i = 0; i < s->stage_count; i++)
        if (fmax(s->stages[i].from, s->stages[i].to) > lowest)
            return true;
    return false;
}

int64_t schedule_length_ns(const struct schedule *s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->stage_count; i++) {
        int64_t length = s->stages[i].length_ns;
        sum = length < INT64_MAX - sum ? sum + length : INT64_MAX;
    }
    return sum;
}

double schedule_mean_rate(const struct schedule *s)
{
    double whole = (double)schedule_length_ns(s);
    double mean = 0;
    for (size_t i = 0; i < s->stage_count; i++) {
        const struct schedule_stage *stage = &s->stages[i];
        mean += (double)stage->length_ns / whole * ((stage->from + stage->to) / 2);
    }
    return mean;
}

static double rate_within(const struct schedule_stage *stage, int64_t at_ns)
{
    return stage->from + (stage->to - stage->from) * ((double)at_ns / (double)stage->length_ns);
}

/* How many are due in the first `at_ns` of a stage: the area of a trapezium. */
static double due_within(const struct schedule_stage *stage, int64_t at_ns)
{
    return (double)at_ns * (stage->from + rate_within(stage, at_ns)) / 2e9;
}

double schedule_due_by(const struct schedule *s, int64_t at_ns)
{
    double due = 0;
    for (size_t i = 0; i < s->stage_count && at_ns > 0; i++) {
        const struct schedule_stage *stage = &s->stages[i];
        due += due_within(stage, at_ns < stage->length_ns ? at_ns : stage->length_ns);
        at_ns -= at_ns < stage->length_ns ? at_ns : stage->length_ns;
    }
    return due;
}

/* Solves n = from·t + (to − from)·t²/(2·length) for t, in the form that loses no digits when the
 * ramp is flat, and multiplies before it divides, so that whole milliseconds come out whole. */
static int64_t moment_within(const struct schedule_stage *stage, double n)
{
    double slope = (stage->to - stage->from) / ((double)stage->length_ns / 1e9);
    double square = stage->from * stage->from + 2 * n * slope;
    double speed = stage->from + sqrt(square > 0 ? square : 0);
    int64_t at = speed > 0 ? (int64_t)(2e9 * n / speed + 0.5) : 0;
    return at < stage->length_ns ? at : stage->length_ns;
}

int64_t schedule_moment_ns(const struct schedule *s, double n)
{
    int64_t begin = 0;
    for (size_t i = 0; i < s->stage_count; i++) {
        const struct schedule_stage *stage = &s->stages[i];
        double here = due_within(stage, stage->length_ns);
        if (n < here)
            return begin + moment_within(stage, n);
        n -= here;
        begin += stage->length_ns;
    }
    return INT64_MAX;
}
