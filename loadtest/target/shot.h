/*
 * shot.h — one request, ready to be sent: the words in which target and engine talk.
 *
 * The bytes are made once, before the run; the engine sends them as they are, any number of times.
 * Only a request with blanks ({seq}, {rand}) is written anew for each flight (template.h).
 * Shots are immutable during a run and may be read by all threads. The target owns them.
 */
#ifndef LOADTEST_SHOT_H
#define LOADTEST_SHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "../complaint.h"
#include "../engine/ledger.h"
#include "template.h"
#include "url.h"

struct mischief_kind;

struct shot {
    char *bytes; /* request line, fields, body */
    size_t length;
    struct template template; /* room 0: there is no blank */
    bool borrowed;            /* both are another shot's */
    enum party party;
    bool head;                            /* its answer has no body, whatever its fields say */
    const struct mischief_kind *mischief; /* a wire fault: what is done with it; NULL: it is sent */
};

/* How every request of a run is dressed. */
struct dress {
    const char *method;
    const char *const *headers; /* "Name: value", checked by header_is_valid() */
    size_t header_count;
    const char *body; /* NULL for none */
    size_t body_length;
    bool keepalive; /* false adds "Connection: close" */
};

/* Whether `text` can stand as a header line: a token, a colon, a value without control bytes. */
bool header_is_valid(const char *text);
/* Whether `text` is a method: a token of at most 32 letters. */
bool method_is_valid(const char *text);
/* Makes the bytes; blanks may stand in path and query, header values and body. False, with the
 * reason in `why`, when a blank is malformed or memory runs out. Free with shot_free(). */
bool shot_build(struct shot *shot, const struct dress *dress, const struct url *url,
                enum party party, struct complaint *why);
/* A wire fault made of another shot, which must outlive it. */
void shot_corrupt(struct shot *shot, const struct shot *from, const struct mischief_kind *mischief);
void shot_free(struct shot *shot);

#endif
