/*
 * complaint.h — one line of text for a human: what is wrong, where, and how to mend it.
 *
 * The caller owns the struct; a function that returns false has filled it in. Nothing is printed
 * here: only the outermost caller knows whether the line belongs on stderr.
 */
#ifndef LOADTEST_COMPLAINT_H
#define LOADTEST_COMPLAINT_H

#include <stdbool.h>

struct complaint {
    char text[512];
};

/* Fills it in and returns false, so that callers can write `return complain(why, …);`. */
bool complain(struct complaint *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
