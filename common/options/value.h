/*
 * value.h — a value as typed, on its way into struct options.
 */
#ifndef TANDEM_OPTIONS_VALUE_H
#define TANDEM_OPTIONS_VALUE_H

#include "reader.h"

/* Reads `text`, which must live as long as the options; a list grows by it. `place` is what a complaint
 * begins with. False: it was complained about, and nothing is stored. */
bool read_value(struct reader *r, const struct row *row, const char *place, const char *text);

/* The same on behalf of a source, which is noted with the place: what found_of() tells. `place` need not live
 * on. */
bool take_value(struct reader *r, const struct row *row, enum source source, const char *place,
                const char *text);

/* What was taken is dropped again, for something that wins over it. */
void drop_values(struct reader *r, const struct row *row);

/* The number, or the truth of a switch, that the option's field holds. Not for texts. */
unsigned long long stored_value(const struct reader *r, const struct row *row);

/* A setting without effect would be a promise not kept, so the twin refuses it. False: complained about. */
bool belongs_here(struct reader *r, const struct row *row, const char *place, enum source source);

#endif
