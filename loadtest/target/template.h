/*
 * template.h — a request with blanks that are filled in anew each time it is sent.
 *
 *   {seq}             the number of the request in the run, warm-up included: 0, 1, 2, …
 *   {rand}            a random whole number from 0 to 2147483647
 *   {rand:LOW-HIGH}   one from LOW to HIGH, both included, at most 18 digits each
 *
 * Any other text in braces stays as it is. What a blank becomes follows from the seed and the
 * request's number alone, so request 17 says the same in every run with this seed, whichever thread
 * sends it. A template is made before the run and only read during it, by all threads.
 */
#ifndef LOADTEST_TEMPLATE_H
#define LOADTEST_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../complaint.h"

struct piece;

struct template
{
    const char *text; /* not owned: with its blanks still in it */
    struct piece *pieces;
    size_t count;
    size_t body_at; /* offset in the text */
    size_t room;    /* the length of the longest rendering */
};

/* Where in the text of a request a length has to be filled in, and what it is the length of. */
struct template_body {
    size_t length_at; /* offset at which the digits are missing */
    size_t begins_at; /* offset of the body, which goes to the end of the text */
};

/* Whether there is a blank in `text`. */
bool template_needed(const char *text, size_t length);
/* `text` must outlive the template, and end with a NUL; `body` is NULL when no length depends on a
 * blank. False, with the reason in `why`: a blank is malformed, or memory ran out. */
bool template_make(struct template *t, const char *text, size_t length,
                   const struct template_body *body, struct complaint *why);
void template_free(struct template *t);
/* Writes request number `seq` to `out`, which has t->room bytes; returns its length. */
size_t template_render(const struct template *t, uint64_t seed, uint64_t seq, char *out);

#endif
