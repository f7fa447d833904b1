/*
 * chunked.c — one byte decides each step, except inside chunk data, which is taken in runs.
 */
#include "chunked.h"

#include <stdbool.h>
#include <string.h>

#include "grammar.h"
#include "limits.h"

enum state {
    SIZE,
    SIZE_BLANK,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    BROKEN
};

void chunked_init(struct chunked *k)
{
    *k = (struct chunked){.state = SIZE};
}

/* --- trailers: read and forgotten, but none may say what only a head may say --- */

/* FNV-1a: a name is remembered as one number, for its bytes may be gone before its colon comes. */
static uint32_t hash_char(uint32_t hash, unsigned char ch)
{
    if (ch >= 'A' && ch <= 'Z')
        ch |= 0x20;
    return (hash ^ ch) * 16777619u;
}

static const uint32_t HASH_OF_NOTHING = 2166136261u;

static uint32_t hash_name(const char *name)
{
    uint32_t hash = HASH_OF_NOTHING;
    while (*name)
        hash = hash_char(hash, (unsigned char)*name++);
    return hash;
}

/* Framing, routing, modifiers, authentication, content (RFC 9110 §6.5.1). */
static bool is_forbidden(uint32_t hash)
{
    static const char *const names[] = {"transfer-encoding",
                                        "content-length",
                                        "host",
                                        "trailer",
                                        "connection",
                                        "te",
                                        "expect",
                                        "range",
                                        "if-match",
                                        "if-none-match",
                                        "if-range",
                                        "if-modified-since",
                                        "if-unmodified-since",
                                        "authorization",
                                        "cookie",
                                        "content-type",
                                        "content-encoding",
                                        "content-range",
                                        "cache-control",
                                        "max-forwards",
                                        "upgrade",
                                        "keep-alive",
                                        "proxy-authorization"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (hash_name(names[i]) == hash)
            return true;
    return false;
}

static enum state in_trailer_name(struct chunked *k, unsigned char ch)
{
    if (ch == ':')
        return is_forbidden(k->name_hash) ? BROKEN : TRAILER_VALUE;
    k->name_hash = hash_char(k->name_hash, ch);
    return is_token_char(ch) ? TRAILER_NAME : BROKEN;
}

static enum state start_trailer(struct chunked *k, unsigned char ch)
{
    k->name_hash = HASH_OF_NOTHING;
    return ch == '\r' ? END_LF : ch == ':' ? BROKEN : in_trailer_name(k, ch);
}

/* BWS may stand before an extension, and nowhere else (RFC 9112 §7.1.1). */
static enum state after_size(unsigned char ch)
{
    return ch == ';' ? EXTENSION : ch == ' ' || ch == '\t' ? SIZE_BLANK : BROKEN;
}

static enum state in_size(struct chunked *k, unsigned char ch)
{
    int value = hex_value(ch);
    if (value >= 0) {
        if (k->digits == 15) /* 2^60 bytes are enough; more could overflow a sum elsewhere */
            return BROKEN;
        k->digits++;
        k->left = k->left << 4 | (uint64_t)value;
        return SIZE;
    }
    if (k->digits == 0)
        return BROKEN;
    if (ch == '\r')
        return SIZE_LF;
    return after_size(ch);
}

static enum state step(struct chunked *k, unsigned char ch)
{
    switch ((enum state)k->state) {
    case SIZE:
        return in_size(k, ch);
    case SIZE_BLANK:
        return after_size(ch);
    case EXTENSION:
        return ch == '\r' ? SIZE_LF : is_text_char(ch) ? EXTENSION : BROKEN;
    case SIZE_LF:
        return ch != '\n' ? BROKEN : k->left ? DATA : TRAILER_START;
    case DATA_CR:
        return ch == '\r' ? DATA_LF : BROKEN;
    case DATA_LF:
        k->digits = 0;
        return ch == '\n' ? SIZE : BROKEN;
    case TRAILER_START:
        return start_trailer(k, ch);
    case TRAILER_NAME:
        return in_trailer_name(k, ch);
    case TRAILER_VALUE:
        return ch == '\r' ? TRAILER_LF : is_text_char(ch) ? TRAILER_VALUE : BROKEN;
    case TRAILER_LF:
        return ch == '\n' ? TRAILER_START : BROKEN;
    case DATA:
    case END_LF:
    case BROKEN:
        break;
    }
    return BROKEN;
}

static enum chunked_result take_data(struct chunked *k, const char *in, size_t n, size_t *used,
                                     const char **data, size_t *data_len)
{
    size_t run = n - *used;
    if (run > k->left)
        run = (size_t)k->left;
    *data = in + *used;
    *data_len = run;
    *used += run;
    k->left -= run;
    if (k->left == 0)
        k->state = DATA_CR;
    return CHUNKED_DATA;
}

enum chunked_result chunked_next(struct chunked *k, const char *in, size_t n, size_t *used,
                                 const char **data, size_t *data_len)
{
    for (*used = 0; *used < n;) {
        if (k->state == DATA)
            return take_data(k, in, n, used, data, data_len);
        unsigned char ch = (unsigned char)in[(*used)++];
        if (k->state == END_LF && ch == '\n')
            return CHUNKED_END;
        if (k->state == SIZE_BLANK || k->state == EXTENSION || k->state >= TRAILER_START)
            k->overhead++;
        k->state = (uint8_t)step(k, ch);
        if (k->state == BROKEN || k->overhead > LIMIT_CHUNK_OVERHEAD)
            return CHUNKED_BAD;
    }
    return CHUNKED_MORE;
}
