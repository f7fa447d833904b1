/*
 * compare_words.h — what a comparison says, sentence by sentence; the terminal and the page differ
 * in how they set it only.
 */
#ifndef LOADTEST_COMPARE_WORDS_H
#define LOADTEST_COMPARE_WORDS_H

#include "../units.h"
#include "compare.h"

enum { SENTENCE_MAX = 1000 };

/* Takes one sentence; with `beware` it is one that a reader must not miss. */
struct listener {
    void (*say)(FILE *out, bool beware, const char *sentence);
    FILE *out;
};

/* "20 rounds in turns, 0.20 s each, closed loop, …" */
void compare_describe(const struct comparison *c, char text[SENTENCE_MAX]);
/* "new is slower than old." */
void compare_overall(const struct comparison *c, size_t subject, char text[SENTENCE_MAX]);
/* What each figure of one subject comes to. */
void compare_tell_findings(const struct listener *l, const struct comparison *c, size_t subject);
/* Why the figures might mislead. */
void compare_tell_warnings(const struct listener *l, const struct comparison *c);
/* What medians pass over. */
void compare_tell_rest(const struct listener *l, const struct comparison *c);
/* What values, ratios and intervals are. */
void compare_tell_method(const struct listener *l, const struct comparison *c);

/* A ratio with three decimals, and "> 999" for what is more than anybody has measured. Returns
 * `text`. */
const char *ratio_format(double ratio, char text[SHORT_TEXT]);
/* A value with its unit: "1,234" or "56.7 µs"; "" when it is not known. Returns `text`. */
const char *figure_format(enum figure f, double value, char text[SHORT_TEXT]);

#endif
