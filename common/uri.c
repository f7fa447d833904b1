/*
 * uri.c — decoding comes first and dots are removed after it, so that no encoding of ".." survives.
 */
#include "uri.h"

#include <string.h>

#include "grammar.h"

/* One byte of `in` at *at, decoded; *at moves behind it. -1: bad. */
static int decode_byte(const char *in, size_t n, size_t *at)
{
    char ch = in[(*at)++];
    if (ch != '%')
        return (unsigned char)ch;
    if (n - *at < 2)
        return -1;
    int high = hex_value((unsigned char)in[*at]), low = hex_value((unsigned char)in[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool decode(const char *in, size_t n, char *out, size_t *length)
{
    *length = 0;
    for (size_t at = 0; at < n;) {
        int byte = decode_byte(in, n, &at);
        if (byte <= 0)
            return false;
        out[(*length)++] = (char)byte;
    }
    return true;
}

/* In place: segment by segment, "." is dropped and ".." takes the one before it along. */
static bool remove_dots(char *path, size_t n)
{
    size_t to = 0;
    for (size_t at = 0; at < n;) {
        const char *slash = memchr(path + at + 1, '/', n - at - 1);
        size_t end = slash ? (size_t)(slash - path) : n;
        size_t segment = end - at - 1; /* without its leading slash */
        bool is_last = end == n;
        if (segment == 2 && memcmp(path + at, "/..", 3) == 0) {
            if (to == 0)
                return false;
            while (path[--to] != '/')
                ;
        } else if (segment != 1 || path[at + 1] != '.') {
            memmove(path + to, path + at, segment + 1);
            to += segment + 1;
            at = end;
            continue;
        }
        if (is_last)
            path[to++] = '/'; /* "/a/." and "/a/b/.." are folders */
        at = end;
    }
    path[to] = '\0';
    return true;
}

bool uri_path(const char *in, size_t n, char *out)
{
    size_t length;
    if (n == 0 || in[0] != '/' || !decode(in, n, out, &length))
        return false;
    if (!memchr(out, '.', length)) { /* the usual path has no dots to remove */
        out[length] = '\0';
        return true;
    }
    return remove_dots(out, length);
}

static bool decode_value(const char *in, size_t n, char *value, size_t size)
{
    size_t length = 0;
    for (size_t at = 0; at < n;) {
        int byte = in[at] == '+' ? (at++, ' ') : decode_byte(in, n, &at);
        if (byte <= 0 || length + 1 >= size)
            return false;
        value[length++] = (char)byte;
    }
    value[length] = '\0';
    return true;
}

bool uri_query(const char *query, size_t n, const char *name, char *value, size_t size)
{
    size_t name_len = strlen(name);
    for (size_t at = 0; at < n;) {
        const char *pair = query + at;
        const char *ampersand = memchr(pair, '&', n - at);
        size_t pair_len = ampersand ? (size_t)(ampersand - pair) : n - at;
        if (pair_len >= name_len && memcmp(pair, name, name_len) == 0) {
            if (pair_len == name_len)
                return decode_value("", 0, value, size);
            if (pair[name_len] == '=')
                return decode_value(pair + name_len + 1, pair_len - name_len - 1, value, size);
        }
        at += pair_len + 1;
    }
    return false;
}

void uri_encode(const char *path, char *out)
{
    for (; *path; path++) {
        unsigned char ch = (unsigned char)*path;
        bool is_plain = (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') ||
                        strchr("/-._~", ch);
        if (is_plain) {
            *out++ = (char)ch;
            continue;
        }
        *out++ = '%';
        *out++ = "0123456789ABCDEF"[ch >> 4];
        *out++ = "0123456789ABCDEF"[ch & 15];
    }
    *out = '\0';
}
