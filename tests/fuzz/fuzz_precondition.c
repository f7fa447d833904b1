/*
 * fuzz_precondition: no field reads past its end, and no verdict comes where it may not.
 *
 * Input: one byte of flags (FLAG_…), then up to five values separated by '\n', in the order If-Match,
 * If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range; those that the flags do not name
 * are absent.
 */
#include "common/precondition.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FIELDS = 5, MODIFIED = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */
enum { FLAG_SAFE = 1 << FIELDS, FLAG_MISSING = 1 << 6, FLAG_WEAK = 1 << 7 };

/* Copies of their own, so that the sanitizer sees the end of each. */
static struct precondition_field take(const char **at, const char *end)
{
    const char *line_end = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    size_t length = (size_t)((line_end ? line_end : end) - *at);
    char *copy = malloc(length > 0 ? length : 1);
    assert(copy);
    memcpy(copy, *at, length);
    *at = line_end ? line_end + 1 : end;
    return (struct precondition_field){copy, length};
}

static void check(const struct precondition *p)
{
    bool range_applies, again;
    enum precondition_verdict verdict = precondition_check(p, &range_applies);
    bool has_match = p->if_match.value || p->if_unmodified_since.value;
    bool has_none_match = p->if_none_match.value || p->if_modified_since.value;
    assert(precondition_check(p, &again) == verdict && again == range_applies);
    assert(verdict == PRECONDITION_GO || !range_applies);
    switch (verdict) {
    case PRECONDITION_GO:
        assert(range_applies || p->if_range.value);
        assert(!range_applies || !p->if_range.value || p->exists);
        break;
    case PRECONDITION_NOT_MODIFIED:
        assert(p->is_safe && p->exists && has_none_match);
        break;
    case PRECONDITION_FAILED:
        assert(has_match || (p->if_none_match.value && !p->is_safe && p->exists));
        break;
    default:
        assert(false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return -1;
    const char *at = (const char *)data + 1, *end = (const char *)data + n;
    unsigned flags = data[0];
    struct precondition p = {
        .is_safe = flags & FLAG_SAFE,
        .exists = !(flags & FLAG_MISSING),
        .etag = flags & FLAG_WEAK ? "W/\"abc\"" : "\"abc\"",
        .modified = MODIFIED,
        .now = MODIFIED + 1,
    };
    struct precondition_field *const fields[FIELDS] = {
        &p.if_match, &p.if_none_match, &p.if_modified_since, &p.if_unmodified_since, &p.if_range};
    for (unsigned i = 0; i < FIELDS; i++)
        if (flags & 1u << i)
            *fields[i] = take(&at, end);
    check(&p);
    for (unsigned i = 0; i < FIELDS; i++)
        free((void *)fields[i]->value);
    return 0;
}
