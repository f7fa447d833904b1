/*
 * sense.h — whether the options make sense together.
 */
#ifndef TANDEM_OPTIONS_SENSE_H
#define TANDEM_OPTIONS_SENSE_H

#include "reader.h"

/* After all sources, before the defaults. What does not make sense is complained about. */
void judge_sense(struct reader *r);

#endif
