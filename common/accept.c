/*
 * accept.c — a reader of weighted lists (RFC 9110 §12.4.2), and two who ask it.
 *
 * Weights are whole thousandths, as the grammar has three decimals: nothing is rounded.
 */
#include "accept.h"

#include <string.h>
#include <strings.h>

#include "grammar.h"

struct text {
    const char *at, *end;
};

struct weighted {
    struct text name;    /* "gzip", "text/html" or a pattern; not empty */
    bool has_parameters; /* before the weight */
    bool has_weight;
    int q; /* thousandths, 0 to 1000 */
};

/* --- the list --- */

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t';
}

static void skip_space(struct text *text)
{
    while (text->at < text->end && is_space(*text->at))
        text->at++;
}

static bool skip_char(struct text *text, char ch)
{
    if (text->at == text->end || *text->at != ch)
        return false;
    text->at++;
    return true;
}

/* Over a quoted-string (§5.6.4); false when it does not end, and then everything was skipped. */
static bool skip_quoted(struct text *text)
{
    for (text->at++; text->at < text->end; text->at++) {
        if (*text->at == '"') {
            text->at++;
            return true;
        }
        if (*text->at == '\\' && text->end - text->at > 1)
            text->at++;
    }
    return false;
}

/* The next element that is not empty (§5.6.1.2); a comma within quotes does not end it. */
static bool next_element(struct text *list, struct text *element)
{
    while (list->at < list->end && (is_space(*list->at) || *list->at == ','))
        list->at++;
    element->at = list->at;
    while (list->at < list->end && *list->at != ',') {
        if (*list->at == '"')
            skip_quoted(list);
        else
            list->at++;
    }
    element->end = list->at;
    return element->at < element->end;
}

/* --- one element --- */

static struct text take_token(struct text *text)
{
    struct text token = {text->at, text->at};
    while (token.end < text->end && is_token_char((unsigned char)*token.end))
        token.end++;
    text->at = token.end;
    return token;
}

static bool is_empty(struct text text)
{
    return text.at == text.end;
}

static bool is_word(struct text text, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(text.end - text.at) == length && strncasecmp(text.at, word, length) == 0;
}

/* qvalue: 0 or 1 with up to three decimals, which are zeros behind a 1. Thousandths; -1: none. */
static int read_weight(struct text text)
{
    if (is_empty(text) || (*text.at != '0' && *text.at != '1'))
        return -1;
    int q = (*text.at++ - '0') * 1000;
    if (is_empty(text))
        return q;
    if (!skip_char(&text, '.') || text.end - text.at > 3)
        return -1;
    for (int unit = 100; text.at < text.end; text.at++, unit /= 10) {
        if (*text.at < '0' || *text.at > '9')
            return -1;
        q += (*text.at - '0') * unit;
    }
    return q <= 1000 ? q : -1;
}

static bool skip_value(struct text *text)
{
    if (text->at < text->end && *text->at == '"')
        return skip_quoted(text);
    return !is_empty(take_token(text));
}

/* Behind a semicolon: the weight, another parameter, a bare word (of RFC 7231's accept-ext) or nothing.
 * What follows the weight is no parameter of the range. */
static bool read_parameter(struct text *text, struct weighted *out)
{
    struct text name = take_token(text);
    if (is_empty(name))
        return true;
    if (!is_word(name, "q")) {
        out->has_parameters = out->has_parameters || !out->has_weight;
        return !skip_char(text, '=') || skip_value(text);
    }
    if (out->has_weight || !skip_char(text, '='))
        return false;
    out->has_weight = true;
    out->q = read_weight(take_token(text));
    return out->q >= 0;
}

static bool read_element(struct text text, struct weighted *out)
{
    *out = (struct weighted){.q = 1000, .name.at = text.at};
    take_token(&text);
    if (skip_char(&text, '/'))
        take_token(&text);
    out->name.end = text.at;
    for (skip_space(&text); !is_empty(text); skip_space(&text)) {
        if (!skip_char(&text, ';'))
            return false;
        skip_space(&text);
        if (!read_parameter(&text, out))
            return false;
    }
    return !is_empty(out->name);
}

/* The next element that is of the grammar; false: that was all. */
static bool next_weighted(struct text *list, struct weighted *out)
{
    struct text element;
    while (next_element(list, &element))
        if (read_element(element, out))
            return true;
    return false;
}

/* --- content codings --- */

static const struct coding_name {
    const char *name;
    enum coding coding;
} coding_names[] = {
    {"br", CODING_BR},       {"zstd", CODING_ZSTD},         {"gzip", CODING_GZIP},
    {"x-gzip", CODING_GZIP}, {"identity", CODING_IDENTITY},
};

static bool names_coding(struct text name, enum coding coding)
{
    for (size_t i = 0; i < sizeof coding_names / sizeof coding_names[0]; i++)
        if (coding_names[i].coding == coding && is_word(name, coding_names[i].name))
            return true;
    return false;
}

/* The weight of a coding in the list: by name, else by "*", else 0. */
static int weight_of_coding(struct text list, enum coding coding)
{
    struct weighted w;
    int by_asterisk = -1;
    while (next_weighted(&list, &w)) {
        if (w.has_parameters) /* codings have none */
            continue;
        if (names_coding(w.name, coding))
            return w.q;
        if (by_asterisk < 0 && is_word(w.name, "*"))
            by_asterisk = w.q;
    }
    return by_asterisk >= 0 ? by_asterisk : 0;
}

enum coding accept_encoding(const char *value, size_t length, unsigned available)
{
    static const enum coding order[] = {CODING_BR, CODING_ZSTD, CODING_GZIP};
    enum coding best = CODING_IDENTITY;
    int best_q = 0;
    if (!value)
        return CODING_IDENTITY;
    struct text list = {value, value + length};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        int q = available & order[i] ? weight_of_coding(list, order[i]) : 0;
        if (q > best_q) {
            best_q = q;
            best = order[i];
        }
    }
    return weight_of_coding(list, CODING_IDENTITY) > best_q ? CODING_IDENTITY : best;
}

/* --- media types --- */

/* How closely the range fits the type ("text/html"); 0: not at all. */
static int specificity(const struct weighted *w, const char *type)
{
    const char *slash = strchr(type, '/');
    size_t family = (size_t)(slash - type) + 1; /* with its slash */
    struct text name = w->name;
    if (is_word(name, type))
        return w->has_parameters ? 3 : 4;
    if ((size_t)(name.end - name.at) == family + 1 && name.end[-1] == '*' &&
        strncasecmp(name.at, type, family) == 0)
        return 2;
    return is_word(name, "*/*") ? 1 : 0;
}

static int weight_of_type(struct text list, const char *type)
{
    struct weighted w;
    int closest = 0, q = 0;
    while (next_weighted(&list, &w)) {
        int fit = specificity(&w, type);
        if (fit > closest) {
            closest = fit;
            q = w.q;
        }
    }
    return q;
}

bool accept_prefers_html(const char *value, size_t length)
{
    if (!value)
        return false;
    struct text list = {value, value + length};
    int html = weight_of_type(list, "text/html");
    return html > weight_of_type(list, "application/json") &&
           html > weight_of_type(list, "application/problem+json");
}
