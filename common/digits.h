/*
 * digits.h — numbers as text, for what every answer holds: printf, which reads a format and a
 * locale first, would take a twentieth of the time that a small file takes as a whole.
 *
 * Each writes at `to`, without a NUL, and returns the place behind. Any thread or process may call
 * these.
 */
#ifndef TANDEM_DIGITS_H
#define TANDEM_DIGITS_H

enum { DIGITS_SIZE = 20 }; /* no number takes more */

/* Decimal; at least `width` digits (1 to DIGITS_SIZE), with leading zeros. */
char *put_number(char *to, unsigned long long n, int width);
/* Hexadecimal, in lower case. */
char *put_hex(char *to, unsigned long long n, int width);

#endif
