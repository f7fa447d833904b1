/*
 * quantity.h — numbers, sizes and durations as people type them. False when `text` is not of the
 * form from its first character to its last, or too large; the result is then untouched.
 */
#ifndef TANDEM_QUANTITY_H
#define TANDEM_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

bool parse_number(const char *text, uint64_t limit, uint64_t *number); /* digits, 0…limit */
bool parse_size(const char *text, uint64_t *bytes);                    /* "100" "64k" "16m" "1g" */
bool parse_duration(const char *text, int64_t *ms);                    /* "500ms" "5s" "2m" "1h" */

#endif
