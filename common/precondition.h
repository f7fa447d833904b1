/*
 * precondition.h — conditional requests: whether the client has it already, or has something else
 * (RFC 9110 §13).
 *
 * A pure function: what the request says and what the representation is go in, what is to be done comes
 * out. The order of §13.2.2, in which a tag beats a date, is kept here and nowhere else.
 *
 * Each field is handed over as one value. Of a list field that came in several lines (If-Match,
 * If-None-Match) the first will do for GET and HEAD: a tag not seen is a tag not matched, and costs an
 * answer that need not have been sent, or a 412. Who changes things by other methods joins the lines
 * first (§5.3).
 *
 * Any thread or process may call it; nothing is allocated.
 */
#ifndef TANDEM_PRECONDITION_H
#define TANDEM_PRECONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct precondition_field {
    const char *value; /* not terminated by NUL; NULL: absent */
    size_t length;     /* bytes */
};

struct precondition {
    bool is_safe; /* GET or HEAD */

    /* The selected representation, as it is now. */
    bool exists;
    const char *etag; /* as it stands in ETag: "x" with its quotes, or W/"x"; NULL: none */
    time_t modified;  /* Last-Modified, seconds since 1970; -1: not known */
    time_t now;       /* seconds since 1970, of the same clock */

    struct precondition_field if_match, if_none_match, if_modified_since, if_unmodified_since,
        if_range;
};

enum precondition_verdict {
    PRECONDITION_GO,           /* as if no condition had been set */
    PRECONDITION_NOT_MODIFIED, /* 304, with the validators; only when is_safe */
    PRECONDITION_FAILED,       /* 412, and nothing is done */
};

/*
 * Evaluates the five fields. *range_applies is always set: whether a Range field is to be looked at at
 * all (for GET; it has no meaning elsewhere, §14.2). It is true when the verdict is PRECONDITION_GO and
 * If-Range is absent or matches.
 *
 * Tags are compared weakly in If-None-Match and strongly in If-Match and If-Range (§8.8.3.2). A list
 * counts up to its first element that is no entity tag; `*` matches what exists, and stands alone.
 * A date that is none, and any date when `modified` is not known, is as if the field were absent; in
 * If-Range it does not match. If-Modified-Since is for GET and HEAD only (§13.1.3).
 *
 * A date in If-Range matches only when it is `modified` to the second and that second is over: until
 * then the representation may change once more and keep its date, which makes the date a weak validator
 * (§8.8.2.2). A change within the second in which the client got its copy stays unseen; a client may not
 * use such a date (§13.1.5), and has the tag.
 */
enum precondition_verdict precondition_check(const struct precondition *p, bool *range_applies);

#endif
