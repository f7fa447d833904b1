/*
 * digits.c — from the last digit to the first. Two loops: a division by 10 or 16 that the compiler knows
 * of is none.
 */
#include "digits.h"

#include <string.h>

static char *copy(char *to, const char digits[DIGITS_SIZE], int at)
{
    memcpy(to, digits + at, (size_t)(DIGITS_SIZE - at));
    return to + DIGITS_SIZE - at;
}

char *put_number(char *to, unsigned long long n, int width)
{
    char digits[DIGITS_SIZE];
    int at = DIGITS_SIZE;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0 || DIGITS_SIZE - at < width);
    return copy(to, digits, at);
}

char *put_hex(char *to, unsigned long long n, int width)
{
    char digits[DIGITS_SIZE];
    int at = DIGITS_SIZE;
    do {
        digits[--at] = "0123456789abcdef"[n % 16];
        n /= 16;
    } while (n > 0 || DIGITS_SIZE - at < width);
    return copy(to, digits, at);
}
