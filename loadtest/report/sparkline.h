/*
 * sparkline.h — numbers as a row of small bars.
 */
#ifndef LOADTEST_SPARKLINE_H
#define LOADTEST_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>

/* What stands for `value` where `top` is the full height: one of eight blocks, or of eight ASCII
 * characters where there is no UTF-8; a space for nothing at all, so that an outage is a gap.
 * Pure; any thread. */
const char *sparkline_bar(double value, double top, bool utf8);

#endif
