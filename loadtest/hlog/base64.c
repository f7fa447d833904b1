/*
 * base64.c — three bytes are four characters; what is left at the end is padded with '='.
 */
#include "base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_text_length(size_t n)
{
    return (n + 2) / 3 * 4;
}

size_t base64_bytes_at_most(size_t length)
{
    return length / 4 * 3;
}

void base64_encode(const uint8_t *data, size_t n, char *text)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t bits = (uint32_t)data[i] << 16;
        if (have > 1)
            bits |= (uint32_t)data[i + 1] << 8;
        if (have > 2)
            bits |= data[i + 2];
        for (unsigned j = 0; j < 4; j++)
            *text++ = j <= have ? alphabet[bits >> (18 - 6 * j) & 63] : '=';
    }
    *text = '\0';
}

/* The six bits of a character; -1 when it is none of the alphabet. */
static int six_bits(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

bool base64_decode(const char *text, size_t length, uint8_t *data, size_t *n)
{
    size_t padding = 0;
    *n = 0;
    if (length % 4 != 0)
        return false;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < length; i += 4) {
        size_t have = i + 4 == length ? 4 - padding : 4;
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            int six = j < have ? six_bits(text[i + j]) : 0;
            if (six < 0)
                return false;
            bits = bits << 6 | (uint32_t)six;
        }
        for (size_t j = 0; j + 1 < have; j++)
            data[(*n)++] = (uint8_t)(bits >> (16 - 8 * j));
    }
    return true;
}
