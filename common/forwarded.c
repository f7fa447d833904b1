/*
 * forwarded.c — a field is cut into elements from left to right, since in Forwarded only whoever has
 * read what comes before a comma knows whether it is within quotes; of those, the last few are kept,
 * and read from right to left.
 */
#include "forwarded.h"

#include <string.h>
#include <strings.h>

#include "grammar.h"
#include "log.h"
#include "seldom.h"

enum { PORT_DIGITS = 5 };

struct text {
    const char *at, *end;
};

/* What all fields of one name say: the last elements of so many, in a ring. */
struct chain {
    struct text last[LIMIT_HOPS];
    size_t count;
};

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t';
}

static struct text trim(struct text t)
{
    while (t.at < t.end && is_space(*t.at))
        t.at++;
    while (t.at < t.end && is_space(t.end[-1]))
        t.end--;
    return t;
}

static size_t length_of(struct text t)
{
    return (size_t)(t.end - t.at);
}

/* --- elements --- */

/* Behind the quoted-string that begins at `at` (RFC 9110 §5.6.4), which may not end before `end`. */
static const char *skip_quoted(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\' && end - at > 1)
            at++;
    }
    return end;
}

/* Empty ones do not count (RFC 9110 §5.6.1.2). */
static void add_elements(struct chain *c, const struct field *f, bool has_quotes)
{
    const char *end = f->value + f->value_len;
    for (const char *at = f->value; at < end; at++) {
        struct text element = {at, at};
        while (at < end && *at != ',')
            at = has_quotes && *at == '"' ? skip_quoted(at, end) : at + 1;
        element.end = at;
        element = trim(element);
        if (length_of(element) > 0)
            c->last[c->count++ % LIMIT_HOPS] = element;
    }
}

static void collect(const struct request *r, const char *name, bool has_quotes, struct chain *c)
{
    size_t length = strlen(name);
    c->count = 0;
    for (unsigned i = 0; i < r->field_count; i++)
        if (r->fields[i].name_len == length && strncasecmp(r->fields[i].name, name, length) == 0)
            add_elements(c, &r->fields[i], has_quotes);
}

/* --- a node: an address, and perhaps a port --- */

/* ":" and a port (of which nothing is made), or nothing. An obfuscated one begins with "_". */
static bool is_port(struct text t)
{
    if (length_of(t) == 0)
        return true;
    bool is_name = length_of(t) > 2 && t.at[1] == '_';
    if (*t.at != ':' || length_of(t) < 2 || (!is_name && length_of(t) > 1 + PORT_DIGITS))
        return false;
    for (t.at++; t.at < t.end; t.at++)
        if (is_name ? !is_token_char((unsigned char)*t.at) : *t.at < '0' || *t.at > '9')
            return false;
    return true;
}

/* 192.0.2.1, 192.0.2.1:80, [2001:db8::1], [2001:db8::1]:80; `is_bare`: 2001:db8::1, too. */
static bool read_node(struct text t, bool is_bare, struct sockaddr_in6 *a)
{
    const char *colon = memchr(t.at, ':', length_of(t));
    if (length_of(t) > 0 && *t.at == '[') {
        const char *end = memchr(t.at, ']', length_of(t));
        return end && memchr(t.at, ':', (size_t)(end - t.at)) &&
               is_port((struct text){end + 1, t.end}) &&
               address_read(t.at + 1, (size_t)(end - t.at - 1), a);
    }
    bool has_more = colon && memchr(colon + 1, ':', (size_t)(t.end - colon - 1));
    if (has_more)
        return is_bare && address_read(t.at, length_of(t), a);
    const char *end = colon ? colon : t.end;
    return is_port((struct text){end, t.end}) && address_read(t.at, (size_t)(end - t.at), a);
}

/* An element of X-Forwarded-For, which nobody has ever defined: proxies write all of these forms. */
static bool read_plain(struct text element, struct sockaddr_in6 *a)
{
    return read_node(element, true, a);
}

/* --- Forwarded (RFC 7239 §4) --- */

enum { NODE_MAX = 64 /* the longest address and port, quoted pairs resolved */ };

static struct text take_token(struct text *t)
{
    struct text token = {t->at, t->at};
    while (token.end < t->end && is_token_char((unsigned char)*token.end))
        token.end++;
    t->at = token.end;
    return token;
}

/* A value in quotes, without them; what does not fit into `to` is no node, and is cut. False: it has no
 * end. */
static bool take_quoted(struct text *t, char to[NODE_MAX], size_t *length)
{
    *length = 0;
    for (t->at++; t->at < t->end; t->at++) {
        if (*t->at == '"') {
            t->at++;
            return true;
        }
        if (*t->at == '\\' && ++t->at == t->end)
            return false;
        if (*length < NODE_MAX)
            to[(*length)++] = *t->at;
    }
    return false;
}

/* Likewise; a value without quotes is a token. */
static bool take_value(struct text *t, char to[NODE_MAX], size_t *length)
{
    if (t->at < t->end && *t->at == '"')
        return take_quoted(t, to, length);
    struct text token = take_token(t);
    *length = length_of(token) < NODE_MAX ? length_of(token) : NODE_MAX;
    memcpy(to, token.at, *length);
    return *length > 0;
}

static bool skip_char(struct text *t, char ch)
{
    if (t->at == t->end || *t->at != ch)
        return false;
    t->at++;
    return true;
}

/* name=value; *is_for: it is "for", and the value is in `node`. */
static bool take_pair(struct text *t, bool *is_for, char node[NODE_MAX], size_t *length)
{
    char other[NODE_MAX];
    size_t other_length;
    struct text name = take_token(t);
    *is_for = length_of(name) == 3 && strncasecmp(name.at, "for", 3) == 0;
    if (length_of(name) == 0 || !skip_char(t, '='))
        return false;
    return *is_for ? take_value(t, node, length) : take_value(t, other, &other_length);
}

/* All of it must be of the grammar: an element that is half understood might name somebody else. */
static bool read_element(struct text element, struct sockaddr_in6 *a)
{
    char node[NODE_MAX];
    size_t length = 0;
    unsigned fors = 0;
    while (length_of(element) > 0) {
        bool is_for;
        if (*element.at != ';') { /* empty pairs are of the grammar */
            if (!take_pair(&element, &is_for, node, &length))
                return false;
            fors += is_for;
        }
        element = trim(element);
        if (length_of(element) > 0 && !skip_char(&element, ';'))
            return false;
        element = trim(element);
    }
    return fors == 1 && length < NODE_MAX &&
           read_node((struct text){node, node + length}, false, a);
}

/* --- the walk --- */

typedef bool reads(struct text element, struct sockaddr_in6 *a);

static void walk(const struct chain *c, reads *read, const struct trust *t,
                 struct sockaddr_in6 *client)
{
    size_t first = c->count > LIMIT_HOPS ? c->count - LIMIT_HOPS : 0;
    for (size_t i = c->count; i-- > first;)
        if (!read(c->last[i % LIMIT_HOPS], client) || !trust_has(t, client))
            return;
}

static void complain(const struct sockaddr_in6 *peer)
{
    enum { PAUSE = 60000 /* ms */ };
    static struct seldom seldom;
    char text[INET6_ADDRSTRLEN];
    unsigned held_back;
    if (seldom_may(&seldom, PAUSE, &held_back))
        log_line(LOG_WARN,
                 "requests of the trusted proxy %s have a Forwarded and an X-Forwarded-For that "
                 "name different clients, so neither counts: have it remove the one that it does "
                 "not write (%u more like it)",
                 address_text(peer, text), held_back);
}

void forwarded_client(const struct request *r, const struct trust *t,
                      const struct sockaddr_in6 *peer, struct sockaddr_in6 *client)
{
    struct chain chain;
    struct sockaddr_in6 other = *peer;
    *client = *peer;
    collect(r, "X-Forwarded-For", false, &chain);
    walk(&chain, read_plain, t, client);
    bool has_plain = chain.count > 0;
    collect(r, "Forwarded", true, &chain);
    walk(&chain, read_element, t, &other);
    if (chain.count == 0)
        return;
    if (!has_plain) {
        *client = other;
    } else if (!address_is_same(client, &other)) {
        *client = *peer;
        complain(peer);
    }
}
