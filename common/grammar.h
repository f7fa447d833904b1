/*
 * grammar.h — which bytes may stand where: the character classes of RFC 9110 and RFC 3986.
 *
 * A table, because each byte of a head is looked at: one load and one test. Any thread or process may
 * call these.
 */
#ifndef TANDEM_GRAMMAR_H
#define TANDEM_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

extern const uint8_t grammar_classes[256];

/* What grammar_classes holds, added up. */
enum { CLASS_TOKEN = 1, CLASS_HOST = 2, CLASS_TEXT = 4 };

/* tchar (RFC 9110 §5.6.2): letters, digits and !#$%&'*+-.^_`|~ */
static inline bool is_token_char(unsigned char ch)
{
    return grammar_classes[ch] & CLASS_TOKEN;
}

/* What reg-name, IPv4, [IPv6] and a port are made of (RFC 3986 §3.2.2): what is printable, but for the
 * delimiters of other parts, "#,/<>?@\^`{|}, and of the userinfo that HTTP does not have. */
static inline bool is_host_char(unsigned char ch)
{
    return grammar_classes[ch] & CLASS_HOST;
}

/* Inside a field value or a chunk extension (RFC 9110 §5.5): no controls but the tab. */
static inline bool is_text_char(unsigned char ch)
{
    return grammar_classes[ch] & CLASS_TEXT;
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
