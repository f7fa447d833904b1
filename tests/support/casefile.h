/*
 * Conformance cases as data.
 *
 * A case file holds blocks like this one; a line is a key, a colon, one blank and the value.
 *
 *   name: two lengths that differ          starts a case
 *   why:  RFC 9112 6.3                      section, or the class of attack
 *   send: POST /echo HTTP/1.1\r\n           the bytes; all send lines are joined
 *   send: Host: test\r\n
 *   send: Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd
 *   want: 400|413                           one word per response, with the accepted statuses
 *   then: close                             the connection after the last of them
 *
 * In `send` and `body`: \r \n \t \\ \xHH, and \{9000*text} for text 9,000 times over.
 * In `want`: `HEAD:200` is the answer to HEAD and has no body, `?100` may be left out, `-` is none.
 * `then` is keep (another request is served), close (FIN or RST, nothing more), or any.
 * Optional: `body:` the last response's content; `field: Name` or `field: Name: value` it must
 * have; `absent: Name` it must not have; `half: close` the client ends its sending side behind the
 * bytes.
 */
#ifndef TANDEM_TESTS_CASEFILE_H
#define TANDEM_TESTS_CASEFILE_H

#include "bytes.h"

#include <stdbool.h>

enum { MAX_WANTS = 24, MAX_STATUSES = 6, MAX_FIELDS = 4 };

enum after { AFTER_ANY, AFTER_KEEP, AFTER_CLOSE };

/* One response that a case wants. */
struct want {
    int statuses[MAX_STATUSES]; /* any of them; 0 behind the last */
    bool is_optional;
    bool answers_head;
};

struct wire_case {
    char file[64];
    char name[96];
    char why[96];
    struct bytes request;
    struct want wants[MAX_WANTS];
    size_t want_count;
    enum after after;
    bool half_close;
    bool has_body;
    struct bytes body;
    char fields[MAX_FIELDS][96];
    size_t field_count;
    char absent[64];
};

/*
 * Reads all files of FOLDER that end in .case, in the order of their names.  The cases belong to
 * the caller and live as long as the program.  A line it cannot read ends the program with file and
 * line number: a case that is skipped in silence would be a test that cannot fail.
 */
size_t casefile_read_all(const char *folder, struct wire_case **cases);

/* True when `status` is among the accepted ones. */
bool want_accepts(const struct want *want, int status);

#endif
