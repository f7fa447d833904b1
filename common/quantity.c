/*
 * quantity.c — digits, then a unit out of a table. Nothing is skipped, so "5 s", "+5s" and "5sx"
 * are refused instead of guessed at (as strtoull would).
 */
#include "quantity.h"

#include <stddef.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {NULL, 0}};

static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {NULL, 0}};

/* The first character behind the digits; NULL when there are none, or more than 64 bits of them. */
static const char *read_digits(const char *text, uint64_t *value)
{
    const char *at = text;
    for (*value = 0; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            return NULL;
        *value = *value * 10 + digit;
    }
    return at == text ? NULL : at;
}

static bool parse_with_unit(const char *text, const struct unit *units, uint64_t limit,
                            uint64_t *result)
{
    uint64_t value;
    const char *suffix = read_digits(text, &value);
    if (!suffix)
        return false;
    for (; units->suffix; units++) {
        if (strcmp(units->suffix, suffix) != 0)
            continue;
        if (value > limit / units->factor)
            return false;
        *result = value * units->factor;
        return true;
    }
    return false;
}

bool parse_number(const char *text, uint64_t limit, uint64_t *number)
{
    uint64_t value;
    const char *end = read_digits(text, &value);
    if (!end || *end || value > limit)
        return false;
    *number = value;
    return true;
}

bool parse_size(const char *text, uint64_t *bytes)
{
    return parse_with_unit(text, size_units, UINT64_MAX, bytes);
}

bool parse_duration(const char *text, int64_t *ms)
{
    uint64_t value;
    if (!parse_with_unit(text, time_units, INT64_MAX, &value))
        return false;
    *ms = (int64_t)value;
    return true;
}
