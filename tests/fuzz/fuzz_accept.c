/*
 * fuzz_accept: no list reads past its end, and what is chosen is there to be had.
 *
 * Input: one byte with the codings that are available (its three low bits), then the field's value.
 */
#include "common/accept.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_coding(const char *value, size_t length, unsigned available)
{
    unsigned chosen = accept_encoding(value, length, available);
    switch (chosen) {
    case CODING_IDENTITY:
        break;
    case CODING_BR:
    case CODING_ZSTD:
    case CODING_GZIP:
        assert(chosen & available);
        /* What lost does not matter: with the winner alone, the same is chosen. */
        assert(accept_encoding(value, length, chosen) == chosen);
        break;
    default:
        assert(false);
    }
    assert(accept_encoding(value, length, 0) == CODING_IDENTITY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return -1;
    size_t length = n - 1;
    char *value = malloc(length > 0 ? length : 1); /* so that the sanitizer sees its end */
    assert(value);
    memcpy(value, data + 1, length);
    check_coding(value, length, data[0] & 7u);
    bool html = accept_prefers_html(value, length);
    assert(!html || memchr(value, '/', length));
    free(value);
    return 0;
}
