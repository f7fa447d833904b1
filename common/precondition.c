/*
 * precondition.c — one function for each field says true, false or "as if absent"; one function has the
 * order.
 */
#include "precondition.h"

#include <string.h>

#include "clock.h"

/* --- entity tags (RFC 9110 §8.8.3) --- */

struct tag {
    bool is_weak;
    const char *opaque; /* with its quotes */
    size_t length;
};

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* etagc: visible, but for the quote, and whatever is beyond ASCII. */
static bool is_tag_char(char ch)
{
    unsigned char byte = (unsigned char)ch;
    return byte > ' ' && byte != '"' && byte != 0x7f;
}

/* Reads the tag at `at`; returns the place behind it, or NULL when there is none. */
static const char *read_tag(const char *at, const char *end, struct tag *tag)
{
    tag->is_weak = end - at > 2 && at[0] == 'W' && at[1] == '/';
    if (tag->is_weak)
        at += 2;
    tag->opaque = at;
    if (at == end || *at++ != '"')
        return NULL;
    while (at < end && is_tag_char(*at))
        at++;
    if (at == end || *at++ != '"')
        return NULL;
    tag->length = (size_t)(at - tag->opaque);
    return at;
}

static bool is_same(const struct tag *a, const struct tag *b, bool strongly)
{
    return a->length == b->length && memcmp(a->opaque, b->opaque, a->length) == 0 &&
           !(strongly && (a->is_weak || b->is_weak));
}

/* The tag of the representation; false: it has none. */
static bool own_tag(const struct precondition *p, struct tag *tag)
{
    return p->exists && p->etag && read_tag(p->etag, p->etag + strlen(p->etag), tag);
}

/* Whether our tag is among those of the list: #entity-tag, with empty elements (§5.6.1.2). */
static bool is_listed(const struct precondition_field *list, const struct tag *ours, bool strongly)
{
    const char *at = list->value, *end = at + list->length;
    for (;;) {
        struct tag tag;
        while (at < end && (is_space(*at) || *at == ','))
            at++;
        at = read_tag(at, end, &tag);
        while (at && at < end && is_space(*at))
            at++;
        if (!at || (at < end && *at != ','))
            return false;
        if (is_same(&tag, ours, strongly))
            return true;
    }
}

static bool is_asterisk(const struct precondition_field *field)
{
    const char *at = field->value, *end = at + field->length;
    while (at < end && is_space(*at))
        at++;
    while (at < end && is_space(end[-1]))
        end--;
    return end - at == 1 && *at == '*';
}

static bool matches(const struct precondition *p, const struct precondition_field *field,
                    bool strongly)
{
    struct tag ours;
    if (is_asterisk(field))
        return p->exists;
    return own_tag(p, &ours) && is_listed(field, &ours, strongly);
}

/* --- dates --- */

/* False: the field is absent, its value is no date, or there is none to compare it with. */
static bool read_date(const struct precondition *p, const struct precondition_field *field,
                      time_t *date)
{
    if (!field->value || !p->exists || p->modified == -1)
        return false;
    *date = http_date_parse(field->value, field->length);
    return *date != -1;
}

/* --- If-Range: a tag or a date; which it is, the first three bytes tell (§13.1.5) --- */

static bool holds_tag(const struct precondition_field *field)
{
    return memchr(field->value, '"', field->length < 3 ? field->length : 3) != NULL;
}

static bool tag_is_exact(const struct precondition *p, const struct precondition_field *field)
{
    struct tag ours, theirs;
    const char *end = field->value + field->length;
    return own_tag(p, &ours) && read_tag(field->value, end, &theirs) == end &&
           is_same(&theirs, &ours, true);
}

static bool date_is_exact(const struct precondition *p, const struct precondition_field *field)
{
    time_t date;
    return read_date(p, field, &date) && date == p->modified && p->modified < p->now;
}

static bool range_is_of_this(const struct precondition *p)
{
    const struct precondition_field *field = &p->if_range;
    if (!field->value)
        return true;
    return holds_tag(field) ? tag_is_exact(p, field) : date_is_exact(p, field);
}

/* --- the order (§13.2.2) --- */

static enum precondition_verdict evaluate(const struct precondition *p)
{
    time_t date;
    if (p->if_match.value) {
        if (!matches(p, &p->if_match, true))
            return PRECONDITION_FAILED;
    } else if (read_date(p, &p->if_unmodified_since, &date) && p->modified > date) {
        return PRECONDITION_FAILED;
    }
    if (p->if_none_match.value) {
        if (matches(p, &p->if_none_match, false))
            return p->is_safe ? PRECONDITION_NOT_MODIFIED : PRECONDITION_FAILED;
    } else if (p->is_safe && read_date(p, &p->if_modified_since, &date) && p->modified <= date) {
        return PRECONDITION_NOT_MODIFIED;
    }
    return PRECONDITION_GO;
}

enum precondition_verdict precondition_check(const struct precondition *p, bool *range_applies)
{
    enum precondition_verdict verdict = evaluate(p);
    *range_applies = verdict == PRECONDITION_GO && range_is_of_this(p);
    return verdict;
}
