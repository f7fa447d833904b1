/*
 * answer.h — reads a connection's answers, one after the other; around llhttp.
 *
 * This is the only part that uses llhttp: the servers have another user of it, so that the judge
 * does not wear the server's glasses. Interim answers (1xx, RFC 9110 §15.2) are read and passed
 * over; what is told about is the final one. A reader belongs to one connection, and so to one
 * thread.
 */
#ifndef LOADTEST_ANSWER_H
#define LOADTEST_ANSWER_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer {
    llhttp_t parser;
    bool head;       /* the one that is read next has no body, whatever its fields say */
    bool begun;      /* at least its first byte has arrived */
    bool keep_alive; /* the one that was read allows another request on its connection */
    bool first_noted;
    int64_t first_ns; /* when its first byte came, as noted by answer_note_first() */
};

enum answer_step {
    ANSWER_MORE,  /* all bytes are used up, and the answer is not whole */
    ANSWER_WHOLE, /* one is; what follows it has not been looked at */
    ANSWER_BROKEN /* this is not HTTP */
};

/* Begins with a new connection. */
void answer_start(struct answer *a);
/* Reads on in `*data`, `*length` bytes, and moves both past what it has used. `head`: the answer is
 * one to a HEAD request. After ANSWER_WHOLE, `begun` is still that of the answer just read: call
 * answer_next() before reading the one behind it. */
enum answer_step answer_read(struct answer *a, bool head, const char **data, size_t *length);
static inline void answer_next(struct answer *a)
{
    a->begun = false;
    a->first_noted = false;
}
/* The connection has ended. True: the answer had no length of its own, so that it is whole now. */
bool answer_ends_here(struct answer *a);
/* Of the answer that is whole: 200 … 999, or 101. */
static inline int answer_status(const struct answer *a)
{
    return a->parser.status_code;
}

/* To be called after a read that ended inside an answer: the moment counts as the arrival of its
 * first byte, unless that was noted before. An answer that came in one piece needs no such call,
 * and so no look at the clock. */
static inline bool answer_wants_first(const struct answer *a)
{
    return a->begun && !a->first_noted;
}

static inline void answer_note_first(struct answer *a, int64_t now_ns)
{
    a->first_noted = true;
    a->first_ns = now_ns;
}

/* When the first byte came, of an answer that was whole at `done_ns`. */
static inline int64_t answer_first_ns(const struct answer *a, int64_t done_ns)
{
    return a->first_noted ? a->first_ns : done_ns;
}

#endif
