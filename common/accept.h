/*
 * accept.h — what a client would rather have: content codings and media types (RFC 9110 §12.5).
 *
 * Both fields are lists of things with a weight, read by one reader. An element that is not of the grammar
 * is skipped and the rest counts (a quote that does not end takes the rest along); where a thing is named
 * twice, the first time counts.
 *
 * Neither function refuses: what cannot be had as wanted is sent as it is, which helps more than a 406.
 *
 * Any thread or process may call these; nothing is allocated. `value` is the field's value, `length`
 * bytes, not terminated by NUL; NULL when the field is absent.
 */
#ifndef TANDEM_ACCEPT_H
#define TANDEM_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

/* In the order in which the server prefers them where the client does not care. */
enum coding {
    CODING_IDENTITY = 0, /* as it is: there always is one */
    CODING_BR = 1,
    CODING_ZSTD = 2,
    CODING_GZIP = 4,
};

/*
 * The coding to be sent, CODING_IDENTITY or one of `available` (bits of enum coding), from the value of
 * Accept-Encoding (§12.5.3).
 *
 * The highest weight wins, among equals the first in the order of enum coding. Identity wins when its own
 * weight, given by name or by "*", is above that of all others, and when nothing else may be sent:
 * also against "identity;q=0". A client that does not send the field gets identity, though it would have
 * to take anything: it did not ask. `x-gzip` is gzip (§8.4.1.3).
 *
 * The answer depends on the field wherever `available` is not 0: it needs Vary: Accept-Encoding.
 */
enum coding accept_encoding(const char *value, size_t length, unsigned available);

/*
 * Whether a page is to be sent as text/html rather than as JSON, from the value of Accept (§12.5.1): the
 * weight of text/html is above those of application/json and application/problem+json. Browsers name
 * text/html; programs that take anything alike, as curl says, or send no such field, get JSON.
 *
 * The most specific range counts for each type. One with parameters ("text/html;level=1") stands for a
 * variant that does not exist here: it counts for the type where the plain type is not named.
 */
bool accept_prefers_html(const char *value, size_t length);

#endif
