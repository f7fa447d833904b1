/*
 * precondition: what each field asks, and which of them is heard first.
 */
#include "common/precondition.h"

#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define NO_TAG ""
enum { MODIFIED = 784111777 };
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

enum {
    GO = PRECONDITION_GO,
    NOT_MODIFIED = PRECONDITION_NOT_MODIFIED,
    FAILED = PRECONDITION_FAILED
};

/* Unless a row says otherwise: a GET for a representation that has the tag "abc" and was modified at
 * MODIFIED, a while ago. */
static const struct row {
    int verdict;
    const char *match, *none_match, *modified_since, *unmodified_since, *range; /* NULL: absent */
    const char *etag;                                                           /* NO_TAG: none */
    bool is_unsafe;     /* another method than GET and HEAD */
    bool is_missing;    /* there is no representation */
    bool is_dateless;   /* modified is -1 */
    bool is_young;      /* it was modified within this second */
    bool ignores_range; /* of the answer; where the verdict is another than GO it always does */
} rows[] = {
    {.verdict = GO},
    {GO, .is_unsafe = true},
    {GO, .is_missing = true},

    /* If-None-Match: weak comparison, lists, 304 or 412 */
    {NOT_MODIFIED, .none_match = "\"abc\""},
    {NOT_MODIFIED, .none_match = "W/\"abc\""},
    {NOT_MODIFIED, .none_match = "\"abc\"", .etag = "W/\"abc\""},
    {NOT_MODIFIED, .none_match = "W/\"abc\"", .etag = "W/\"abc\""},
    {FAILED, .none_match = "\"abc\"", .is_unsafe = true},
    {FAILED, .none_match = "W/\"abc\"", .is_unsafe = true},
    {GO, .none_match = "\"abd\""},
    {GO, .none_match = "\"ABC\""},
    {GO, .none_match = "\"ab\""},
    {GO, .none_match = "\"abcd\""},
    {GO, .none_match = "\"\""},
    {NOT_MODIFIED, .none_match = "\"\"", .etag = "\"\""},
    {GO, .none_match = "\"abd\"", .is_unsafe = true},
    {GO, .none_match = "\"abc\"", .etag = NO_TAG},
    {GO, .none_match = "\"abc\"", .is_missing = true},
    {NOT_MODIFIED, .none_match = "\"x\", \"abc\""},
    {NOT_MODIFIED, .none_match = "\"x\",W/\"y\"\t ,\t\"abc\" , \"z\""},
    {NOT_MODIFIED, .none_match = ",, ,\"abc\",,"},
    {NOT_MODIFIED, .none_match = "\"a,b\", \"abc\""},
    {NOT_MODIFIED, .none_match = "\"x\", \"a,b\"", .etag = "\"a,b\""},
    {GO, .none_match = "\"x,\"abc\""}, /* begins with a tag x, and then letters */
    {NOT_MODIFIED, .none_match = "\"\xc3\xa4\\\"",
     .etag = "\"\xc3\xa4\\\""}, /* no escapes in tags */
    {NOT_MODIFIED, .none_match = "*"},
    {NOT_MODIFIED, .none_match = " * "},
    {NOT_MODIFIED, .none_match = "*", .etag = NO_TAG, .is_dateless = true},
    {FAILED, .none_match = "*", .is_unsafe = true},
    {GO, .none_match = "*", .is_unsafe = true, .is_missing = true},
    {GO, .none_match = "*", .is_missing = true},
    {GO, .none_match = "\"*\""},

    /* no tag ends the list */
    {GO, .none_match = ""},
    {GO, .none_match = ","},
    {GO, .none_match = "abc"},
    {GO, .none_match = "abc, \"abc\""},
    {NOT_MODIFIED, .none_match = "\"abc\", abc"},
    {GO, .none_match = "\"abc\"x"},
    {GO, .none_match = "\"abc\" \"x\""},
    {GO, .none_match = "\"x\"\"abc\""},
    {GO, .none_match = "\"abc"},
    {GO, .none_match = "\""},
    {GO, .none_match = "W/"},
    {GO, .none_match = "W/abc"},
    {GO, .none_match = "W\"abc\""},
    {GO, .none_match = "w/\"abc\""},
    {GO, .none_match = "W/ \"abc\""},
    {GO, .none_match = "*, \"abc\""},
    {GO, .none_match = "**"},
    {GO, .none_match = "\"a b\", \"abc\""}, /* a space is none of a tag's characters */
    {GO, .none_match = "\"a b\"", .etag = "\"a b\""},

    /* If-Match: strong comparison */
    {GO, .match = "\"abc\""},
    {GO, .match = "\"x\", \"abc\""},
    {GO, .match = "*"},
    {GO, .match = "*", .etag = NO_TAG},
    {GO, .match = "\"abc\"", .is_unsafe = true},
    {FAILED, .match = "\"x\""},
    {FAILED, .match = "\"x\"", .is_unsafe = true},
    {FAILED, .match = "W/\"abc\""},
    {FAILED, .match = "\"abc\"", .etag = "W/\"abc\""},
    {FAILED, .match = "W/\"abc\"", .etag = "W/\"abc\""},
    {GO, .match = "W/\"abc\", \"abc\""},
    {FAILED, .match = "\"abc\"", .etag = NO_TAG},
    {FAILED, .match = "\"abc\"", .is_missing = true},
    {FAILED, .match = "*", .is_missing = true},
    {FAILED, .match = "*", .is_missing = true, .is_unsafe = true},
    {FAILED, .match = ""},
    {FAILED, .match = "abc"},

    /* If-Modified-Since: for GET and HEAD, without If-None-Match */
    {NOT_MODIFIED, .modified_since = EXACT},
    {NOT_MODIFIED, .modified_since = AFTER},
    {GO, .modified_since = BEFORE},
    {NOT_MODIFIED, .modified_since = "Sunday, 06-Nov-94 08:49:37 GMT"},
    {NOT_MODIFIED, .modified_since = "Sun Nov  6 08:49:37 1994"},
    {GO, .modified_since = EXACT, .is_unsafe = true},
    {GO, .modified_since = EXACT, .is_dateless = true},
    {GO, .modified_since = AFTER, .is_missing = true},
    {GO, .modified_since = ""},
    {GO, .modified_since = "yesterday"},
    {GO, .modified_since = EXACT ", " EXACT},
    {GO, .modified_since = EXACT, .none_match = "\"x\""},
    {GO, .modified_since = EXACT, .none_match = "no tag"},
    {NOT_MODIFIED, .modified_since = BEFORE, .none_match = "\"abc\""},

    /* If-Unmodified-Since: without If-Match */
    {GO, .unmodified_since = EXACT},
    {GO, .unmodified_since = AFTER},
    {FAILED, .unmodified_since = BEFORE},
    {FAILED, .unmodified_since = BEFORE, .is_unsafe = true},
    {GO, .unmodified_since = BEFORE, .is_dateless = true},
    {GO, .unmodified_since = BEFORE, .is_missing = true},
    {GO, .unmodified_since = "tomorrow"},
    {GO, .unmodified_since = BEFORE, .match = "\"abc\""},
    {FAILED, .unmodified_since = AFTER, .match = "\"x\""},

    /* the order: what may fail is heard before what the client may have */
    {FAILED, .match = "\"x\"", .none_match = "\"abc\""},
    {NOT_MODIFIED, .match = "\"abc\"", .none_match = "\"abc\""},
    {FAILED, .unmodified_since = BEFORE, .none_match = "\"abc\""},
    {FAILED, .unmodified_since = BEFORE, .modified_since = EXACT},
    {NOT_MODIFIED, .unmodified_since = EXACT, .modified_since = EXACT},
    {NOT_MODIFIED, .none_match = "\"abc\"", .range = "\"x\""},

    /* If-Range: a tag, strongly */
    {GO, .range = "\"abc\""},
    {GO, .range = "\"x\"", .ignores_range = true},
    {GO, .range = "W/\"abc\"", .ignores_range = true},
    {GO, .range = "\"abc\"", .etag = "W/\"abc\"", .ignores_range = true},
    {GO, .range = "W/\"abc\"", .etag = "W/\"abc\"", .ignores_range = true},
    {GO, .range = "\"abc\"", .etag = NO_TAG, .ignores_range = true},
    {GO, .range = "\"abc\"", .is_missing = true, .ignores_range = true},
    {GO, .range = "\"abc\", \"x\"", .ignores_range = true}, /* one tag, no list */
    {GO, .range = "\"abc\"x", .ignores_range = true},
    {GO, .range = "\"abc", .ignores_range = true},
    {GO, .range = "*", .ignores_range = true},
    {GO, .range = "", .ignores_range = true},
    {GO, .range = "\"abc\"", .match = "\"abc\""},
    {GO, .range = "\"abc\"", .none_match = "\"x\""},

    /* If-Range: a date, to the second, when the second is over */
    {GO, .range = EXACT},
    {GO, .range = "Sunday, 06-Nov-94 08:49:37 GMT"},
    {GO, .range = EXACT, .etag = NO_TAG},
    {GO, .range = EXACT, .is_young = true, .ignores_range = true},
    {GO, .range = BEFORE, .ignores_range = true},
    {GO, .range = AFTER, .ignores_range = true},
    {GO, .range = EXACT, .is_dateless = true, .ignores_range = true},
    {GO, .range = EXACT, .is_missing = true, .ignores_range = true},
    {GO, .range = "yesterday", .ignores_range = true},
    {GO, .range = "Thu, 01 Jan 1970 00:00:00 GMT", .is_dateless = true, .ignores_range = true},
};

/* A copy without a NUL, of exactly the length: a byte read too far is seen by ASan. */
static struct precondition_field field_of(const char *value)
{
    struct precondition_field field = {0};

    if (!value)
        return field;
    field.length = strlen(value);
    char *copy = malloc(field.length > 0 ? field.length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, value, field.length);
    field.value = copy;
    return field;
}

static struct precondition make(const struct row *row)
{
    struct precondition p = {
        .is_safe = !row->is_unsafe,
        .exists = !row->is_missing,
        .etag = row->etag ? row->etag : "\"abc\"",
        .modified = row->is_dateless ? -1 : MODIFIED,
        .now = MODIFIED + (row->is_young ? 0 : 1),
        .if_match = field_of(row->match),
        .if_none_match = field_of(row->none_match),
        .if_modified_since = field_of(row->modified_since),
        .if_unmodified_since = field_of(row->unmodified_since),
        .if_range = field_of(row->range),
    };

    if (strcmp(p.etag, NO_TAG) == 0)
        p.etag = NULL;
    return p;
}

static void unmake(struct precondition *p)
{
    free((void *)p->if_match.value);
    free((void *)p->if_none_match.value);
    free((void *)p->if_modified_since.value);
    free((void *)p->if_unmodified_since.value);
    free((void *)p->if_range.value);
}

START_TEST(says_what_is_to_be_done)
{
    const struct row *row = &rows[_i];
    struct precondition p = make(row);
    bool range_applies;

    ck_assert_int_eq(precondition_check(&p, &range_applies), row->verdict);
    ck_assert_int_eq(range_applies, row->verdict == GO && !row->ignores_range);
    unmake(&p);
}
END_TEST

/* A value is what its length says, not what stands behind it. */
START_TEST(tags_are_read_to_their_length)
{
    struct precondition p = make(&(struct row){.none_match = "\"abc\""});
    bool range_applies;
    int matched = 0;

    for (p.if_none_match.length = 0; p.if_none_match.length < 5; p.if_none_match.length++)
        matched += precondition_check(&p, &range_applies) != PRECONDITION_GO;
    ck_assert_int_eq(matched, 0);
    ck_assert_int_eq(precondition_check(&p, &range_applies), PRECONDITION_NOT_MODIFIED);
    unmake(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("precondition");
    TCase *tcase = tcase_create("precondition");

    tcase_add_loop_test(tcase, says_what_is_to_be_done, 0, COUNT(rows));
    tcase_add_test(tcase, tags_are_read_to_their_length);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
