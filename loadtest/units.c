/*
 * units.c — parsing is strict (the whole text must be understood), printing is for the eye.
 */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A plain decimal number at the start of `text` (no sign, no exponent, no "inf"); *rest follows. */
static bool parse_decimal(const char *text, double *value, const char **rest)
{
    size_t length = strspn(text, "0123456789.");
    if (length == 0 || length > 24 || strchr("0123456789", text[0]) == NULL)
        return false;
    char digits[32];
    memcpy(digits, text, length);
    digits[length] = '\0';
    char *end;
    *value = strtod(digits, &end);
    *rest = text + length;
    return *end == '\0';
}

bool parse_duration(const char *text, int64_t *ns)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    double value;
    const char *unit;
    if (!parse_decimal(text, &value, &unit))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].unit) != 0)
            continue;
        double total = value * units[i].ns;
        if (total > 3.2e17)
            return false;
        *ns = (int64_t)(total + 0.5);
        return true;
    }
    return false;
}

bool parse_count(const char *text, int64_t low, int64_t high, int64_t *value)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    int64_t scale = *end == 'k' ? 1000 : *end == 'm' ? 1000000 : 1;
    if (scale != 1)
        end++;
    if (errno != 0 || *end != '\0' || n > INT64_MAX / scale)
        return false;
    *value = n * scale;
    return *value >= low && *value <= high;
}

bool parse_size(const char *text, int64_t *bytes)
{
    const char *unit = text + strspn(text, "0123456789");
    int64_t scale = *unit == 'k' ? 1 << 10 : *unit == 'm' ? 1 << 20 : 1;
    size_t digits = (size_t)(unit - text);
    if (digits == 0 || digits > 13 || unit[scale > 1] != '\0')
        return false;
    *bytes = strtoll(text, NULL, 10);
    if (*bytes > (INT64_C(1) << 40) / scale)
        return false;
    *bytes *= scale;
    return true;
}

bool parse_rate(const char *text, double *per_second)
{
    double value;
    const char *unit;
    if (!parse_decimal(text, &value, &unit))
        return false;
    double scale = *unit == 'k' ? 1e3 : *unit == 'm' ? 1e6 : 1;
    *per_second = value * scale;
    return unit[scale > 1] == '\0' && *per_second <= 1e8;
}

bool parse_share(const char *text, double *share)
{
    double percent;
    const char *rest;
    if (!parse_decimal(text, &percent, &rest) || strcmp(rest, "%") != 0)
        return false;
    *share = percent / 100;
    return *share > 0 && *share <= 1;
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* `value` with three significant digits. */
static void three_digits(double value, const char *unit, char out[SHORT_TEXT])
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out, SHORT_TEXT, "%.*f %s", decimals, value, unit);
}

const char *format_us(double us, char out[SHORT_TEXT])
{
    if (us < 0)
        snprintf(out, SHORT_TEXT, "-");
    else if (us < 999.5)
        three_digits(us, "µs", out);
    else if (us < 999.5e3)
        three_digits(us / 1e3, "ms", out);
    else
        three_digits(us / 1e6, "s", out);
    return out;
}

const char *format_count(uint64_t n, char out[SHORT_TEXT])
{
    char digits[SHORT_TEXT];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *format_bytes(double bytes, char out[SHORT_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    while (bytes >= 999.5 && i < sizeof units / sizeof units[0] - 1) {
        bytes /= 1024;
        i++;
    }
    if (i == 0)
        snprintf(out, SHORT_TEXT, "%.0f B", bytes);
    else
        three_digits(bytes, units[i], out);
    return out;
}
