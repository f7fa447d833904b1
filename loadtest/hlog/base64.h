/*
 * base64.h — bytes as text and back, in the standard alphabet with padding (RFC 4648 §4).
 *
 * Pure functions of their arguments; any thread.
 */
#ifndef LOADTEST_BASE64_H
#define LOADTEST_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much text `n` bytes become, and how many bytes `length` characters can be at most. */
size_t base64_text_length(size_t n);
size_t base64_bytes_at_most(size_t length);

/* Writes base64_text_length(n) characters and a final NUL. */
void base64_encode(const uint8_t *data, size_t n, char *text);
/* Writes *n bytes (at most base64_bytes_at_most(length)); false when the text is not base64. */
bool base64_decode(const char *text, size_t length, uint8_t *data, size_t *n);

#endif
