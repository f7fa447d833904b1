/*
 * range.c — each element of the list becomes a range or nothing; then those that touch become one.
 *
 * Nothing is sorted: with 16 ranges, comparing each with each is less work than it looks, and the order
 * of the client, which may have asked for a file's index first, is kept without effort.
 */
#include "range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "digits.h"

/* --- one range-spec --- */

struct text {
    const char *at, *end;
};

enum spec { SPEC_BAD, SPEC_OUTSIDE, SPEC_EMPTY_SUFFIX, SPEC_RANGE };

/* The digits at the front, which `text` moves behind; larger than 64 bits: UINT64_MAX. False: none. */
static bool read_number(struct text *text, uint64_t *number)
{
    const char *begin = text->at;
    uint64_t n = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
        uint64_t digit = (uint64_t)(*text->at - '0');
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    *number = n;
    return text->at > begin;
}

/* "-n": the last n bytes, or all there are. */
static enum spec read_suffix(struct text text, uint64_t size, struct range *out)
{
    uint64_t n;
    text.at++;
    if (!read_number(&text, &n) || text.at < text.end)
        return SPEC_BAD;
    if (n == 0)
        return SPEC_OUTSIDE;
    if (size == 0)
        return SPEC_EMPTY_SUFFIX;
    out->length = n < size ? n : size;
    out->first = size - out->length;
    return SPEC_RANGE;
}

/* "a-b" or "a-". */
static enum spec read_spec(struct text text, uint64_t size, struct range *out)
{
    uint64_t first, last = UINT64_MAX;
    if (text.at < text.end && *text.at == '-')
        return read_suffix(text, size, out);
    if (!read_number(&text, &first) || text.at == text.end || *text.at++ != '-')
        return SPEC_BAD;
    if (text.at < text.end && (!read_number(&text, &last) || text.at < text.end))
        return SPEC_BAD;
    if (last < first)
        return SPEC_BAD;
    if (first >= size)
        return SPEC_OUTSIDE;
    out->first = first;
    out->length = (last < size ? last + 1 : size) - first;
    return SPEC_RANGE;
}

/* --- the list --- */

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* The next element that is not empty (RFC 9110 §5.6.1.2), without the white space around it. */
static bool next_element(struct text *list, struct text *element)
{
    while (list->at < list->end && (is_space(*list->at) || *list->at == ','))
        list->at++;
    if (list->at == list->end)
        return false;
    const char *comma = memchr(list->at, ',', (size_t)(list->end - list->at));
    *element = (struct text){list->at, comma ? comma : list->end};
    list->at = element->end;
    while (is_space(element->end[-1]))
        element->end--;
    return true;
}

static bool skip_unit(struct text *text)
{
    static const char unit[] = "bytes=";
    size_t length = sizeof unit - 1;
    if ((size_t)(text->end - text->at) < length || strncasecmp(text->at, unit, length) != 0)
        return false;
    text->at += length;
    return true;
}

/* --- what touches becomes one --- */

static bool are_near(const struct range *a, const struct range *b)
{
    const struct range *low = a->first <= b->first ? a : b, *high = low == a ? b : a;
    uint64_t low_end = low->first + low->length;
    return high->first <= low_end || high->first - low_end < RANGE_GAP;
}

static struct range join(const struct range *a, const struct range *b)
{
    uint64_t a_end = a->first + a->length, b_end = b->first + b->length;
    uint64_t first = a->first < b->first ? a->first : b->first;
    return (struct range){first, (a_end > b_end ? a_end : b_end) - first};
}

/* Each takes in all that are near, and looks again when it has grown. What stood before it was near
 * none of its parts, hence is not near the sum. */
static void coalesce(struct ranges *r)
{
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned j = i + 1; j < r->count;) {
            if (!are_near(&r->range[i], &r->range[j])) {
                j++;
                continue;
            }
            r->range[i] = join(&r->range[i], &r->range[j]);
            r->count--;
            memmove(&r->range[j], &r->range[j + 1], (r->count - j) * sizeof r->range[0]);
            j = i + 1;
        }
}

enum range_verdict range_parse(const char *value, size_t length, uint64_t size, struct ranges *out)
{
    struct text list = {value, value + length}, element;
    struct range range;
    unsigned specs = 0, found = 0;
    bool empty_suffix = false;
    out->count = 0;
    if (!skip_unit(&list))
        return RANGE_NONE;
    while (next_element(&list, &element)) {
        enum spec spec = read_spec(element, size, &range);
        if (spec == SPEC_BAD || ++specs > RANGE_MAX)
            return RANGE_NONE;
        empty_suffix = empty_suffix || spec == SPEC_EMPTY_SUFFIX;
        if (spec == SPEC_RANGE)
            out->range[found++] = range;
    }
    if (found == 0)
        return specs == 0 || empty_suffix ? RANGE_NONE : RANGE_UNSATISFIABLE;
    out->count = found;
    coalesce(out);
    if (specs > 1 && out->range[0].length == size)
        out->count = 0;
    return out->count > 0 ? RANGE_SOME : RANGE_NONE;
}

size_t range_content(char out[RANGE_CONTENT_SIZE], const struct range *range, uint64_t size)
{
    char *to = out;
    memcpy(to, "bytes ", 6);
    to += 6;
    if (range) {
        to = put_number(to, range->first, 1);
        *to++ = '-';
        to = put_number(to, range->first + range->length - 1, 1);
    } else {
        *to++ = '*';
    }
    *to++ = '/';
    to = put_number(to, size, 1);
    *to = '\0';
    return (size_t)(to - out);
}
