/*
 * grammar.h — which bytes may stand where: the character classes of RFC 9110 and RFC 3986.
 *
 * A class is a set of ASCII bytes, one bit each: two words and no branch per byte, which counts
 * where each byte of a head is looked at. Any thread or process may call these.
 */
#ifndef TANDEM_GRAMMAR_H
#define TANDEM_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

static inline bool is_in_set(unsigned char ch, uint64_t below_64, uint64_t below_128)
{
    return ch < 128 && (ch < 64 ? below_64 : below_128) >> (ch & 63) & 1;
}

/* tchar (RFC 9110 §5.6.2): letters, digits and !#$%&'*+-.^_`|~ */
static inline bool is_token_char(unsigned char ch)
{
    return is_in_set(ch, 0x03ff6cfa00000000, 0x57ffffffc7fffffe);
}

/* What reg-name, IPv4, [IPv6] and a port are made of (RFC 3986 §3.2.2): what is printable, but for
 * the delimiters of other parts, "#,/<>?@\^`{|}, and of the userinfo that HTTP does not have. */
static inline bool is_host_char(unsigned char ch)
{
    return is_in_set(ch, 0x2fff6ff200000000, 0x47fffffeaffffffe);
}

/* Inside a field value or a chunk extension (RFC 9110 §5.5): no controls but the tab. */
static inline bool is_text_char(unsigned char ch)
{
    return ch == '\t' || (ch >= 0x20 && ch != 0x7f);
}

/* 0 to 15; -1: no hexadecimal digit. */
static inline int hex_value(unsigned char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

#endif
