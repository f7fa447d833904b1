/*
 * axis.c — steps of 1, 2 or 5 times a power of ten: numbers that can be read off.
 */
#include "axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void tick(struct axis *a, double at, const char *label)
{
    if (a->count == AXIS_TICKS)
        return;
    a->ticks[a->count].at = at;
    snprintf(a->ticks[a->count].label, AXIS_LABEL, "%s", label);
    a->count++;
}

/* The shortest round step that goes into `range` no more than `ticks` times. */
static double round_step(double range, unsigned ticks)
{
    static const double round[] = {1, 2, 5};
    double power = pow(10, floor(log10(range / ticks)));
    for (size_t i = 0; i < sizeof round / sizeof round[0]; i++)
        if (round[i] * power * ticks >= range * (1 - 1e-9))
            return round[i] * power;
    return 10 * power;
}

/* 0, 200, 5,000; in an axis that goes further, 5k or 0.5M. */
static void count_label(double value, double top, char label[AXIS_LABEL])
{
    if (top >= 1e6)
        snprintf(label, AXIS_LABEL, value > 0 ? "%.4gM" : "%.0f", value / 1e6);
    else if (top >= 1e4)
        snprintf(label, AXIS_LABEL, value > 0 ? "%.4gk" : "%.0f", value / 1e3);
    else if (value >= 1e3)
        snprintf(label, AXIS_LABEL, "%d,%03d", (int)(value / 1e3), (int)fmod(value, 1e3));
    else
        snprintf(label, AXIS_LABEL, "%.4g", value);
}

void axis_counts(struct axis *a, double most, unsigned ticks)
{
    char label[AXIS_LABEL];
    *a = (struct axis){.to = most > 1 ? most : 1};
    double step = round_step(a->to, ticks);
    if (step < 1)
        step = 1; /* there is no half request */
    for (unsigned i = 0;; i++) {
        count_label(i * step, a->to, label);
        tick(a, i * step, label);
        if (i * step >= a->to * (1 - 1e-9)) {
            a->to = i * step;
            return;
        }
    }
}

void axis_seconds(struct axis *a, double length, unsigned ticks)
{
    static const double minutes[] = {30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400};
    char label[AXIS_LABEL];
    *a = (struct axis){.to = length > 0 ? length : 1};
    bool in_minutes = a->to > 180;
    double step = round_step(a->to, ticks);
    if (in_minutes) {
        size_t i = 0;
        while (i + 1 < sizeof minutes / sizeof minutes[0] && minutes[i] * ticks < a->to)
            i++;
        if (minutes[i] * ticks >= a->to)
            step = minutes[i];
    }
    for (unsigned i = 0; i * step <= a->to * (1 + 1e-9) && a->count < AXIS_TICKS; i++) {
        double at = i * step;
        if (in_minutes && at >= 3600)
            snprintf(label, sizeof label, "%d:%02d h", (int)(at / 3600),
                     (int)(fmod(at, 3600) / 60));
        else if (in_minutes)
            snprintf(label, sizeof label, "%d:%02d min", (int)(at / 60), (int)fmod(at, 60));
        else
            snprintf(label, sizeof label, "%.4g s", at);
        tick(a, at, label);
    }
}

static void latency_label(double us, char label[AXIS_LABEL])
{
    if (us < 999)
        snprintf(label, AXIS_LABEL, "%.4g µs", us);
    else if (us < 999e3)
        snprintf(label, AXIS_LABEL, "%.4g ms", us / 1e3);
    else
        snprintf(label, AXIS_LABEL, "%.4g s", us / 1e6);
}

/* Step number i of … 1, 2, 5, 10, 20, 50 … */
static double step_125(int i)
{
    static const double round[] = {1, 2, 5};
    int decade = i >= 0 ? i / 3 : -((2 - i) / 3);
    return round[i - 3 * decade] * pow(10, decade);
}

void axis_latency(struct axis *a, double least, double most)
{
    char label[AXIS_LABEL];
    int low = 0;
    *a = (struct axis){.log = true};
    least = least > 1 ? least : 1;
    most = most > least ? most : least;
    while (step_125(low + 1) <= 0.87 * least) /* no line lies on the axis itself */
        low++;
    int high = low + 1;
    while (step_125(high) < most)
        high++;
    a->from = step_125(low);
    a->to = step_125(high);
    bool decades = high - low > 9; /* more than that would stand too close */
    for (int i = low; i <= high; i++) {
        if (decades && i % 3 != 0)
            continue;
        latency_label(step_125(i), label);
        tick(a, step_125(i), label);
    }
}

void axis_ratios(struct axis *a, double least, double most)
{
    const double far = 3; /* times: from here on equal steps would crowd at one end */
    char label[AXIS_LABEL];
    least = fmin(least, 0.99);
    most = fmax(most, 1.01);
    double margin = pow(most / least, 0.06);
    *a = (struct axis){.from = least / margin, .to = most * margin, .log = true};
    if (a->to / a->from < far) {
        double step = round_step(a->to - a->from, 8);
        for (double i = ceil(a->from / step); i * step <= a->to; i++) {
            snprintf(label, sizeof label, "%.6g", i * step);
            tick(a, i * step, label);
        }
        return;
    }
    int low = 0, high = 0;
    while (step_125(low - 1) >= a->from)
        low--;
    while (step_125(high + 1) <= a->to)
        high++;
    bool decades = high - low > 9;
    for (int i = low; i <= high; i++) {
        if (decades && i % 3 != 0)
            continue;
        snprintf(label, sizeof label, "%.6g", step_125(i));
        tick(a, step_125(i), label);
    }
}

void axis_percentiles(struct axis *a, double total)
{
    static const struct {
        double at;
        const char *label;
    } shares[] = {{1, "0 %"},        {2, "50 %"},        {10, "90 %"},
                  {100, "99 %"},     {1e3, "99.9 %"},    {1e4, "99.99 %"},
                  {1e5, "99.999 %"}, {1e6, "99.9999 %"}, {1e7, "99.99999 %"}};
    *a = (struct axis){.from = 1, .to = total > 10 ? total : 10, .log = true};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0] && shares[i].at <= a->to; i++)
        tick(a, shares[i].at, shares[i].label);
}
