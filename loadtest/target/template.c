/*
 * template.c — the text is cut into pieces once, so that filling it in is copying and printing
 * numbers.
 *
 * The one difficulty is Content-Length, which stands before the body and is known after it: as many
 * digits as it can need are left free, and in the rare case that fewer were needed, what follows is
 * moved up.
 */
#include "template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

enum { DIGITS_MAX = 20, BOUND_DIGITS = 18, FIRST_PIECES = 8 };

enum kind { TEXT, SEQ, RAND, LENGTH };

struct piece {
    enum kind kind;
    size_t from, length; /* of the text that it stands for */
    uint64_t low, span;  /* RAND: low … low + span - 1; LENGTH: low is the most it can be */
};

static size_t digits_of(uint64_t n)
{
    size_t digits = 1;
    for (; n >= 10; n /= 10)
        digits++;
    return digits;
}

static size_t print_number(uint64_t n, char *out)
{
    size_t digits = digits_of(n);
    for (size_t i = digits; i > 0; n /= 10)
        out[--i] = (char)('0' + n % 10);
    return digits;
}

static bool starts_with(const char *text, size_t length, const char *start)
{
    return length >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}

static const char *read_bound(const char *text, const char *end, uint64_t *n)
{
    const char *at = text;
    for (*n = 0; at < end && *at >= '0' && *at <= '9' && at - text < BOUND_DIGITS; at++)
        *n = *n * 10 + (uint64_t)(*at - '0');
    return at > text ? at : NULL;
}

/* The bounds after "{rand:", up to the brace; NULL when they are none. */
static const char *read_bounds(const char *text, const char *end, struct piece *blank)
{
    uint64_t high;
    const char *at = read_bound(text, end, &blank->low);
    if (!at || at == end || *at != '-')
        return NULL;
    at = read_bound(at + 1, end, &high);
    if (!at || at == end || *at != '}' || high < blank->low)
        return NULL;
    blank->span = high - blank->low + 1;
    return at + 1;
}

/* Whether a blank begins at `text`; *good is false when it is one, but malformed. */
static bool is_blank(const char *text, size_t length, struct piece *blank, bool *good)
{
    *good = true;
    *blank = (struct piece){.kind = RAND, .span = UINT64_C(1) << 31};
    if (starts_with(text, length, "{seq}")) {
        blank->kind = SEQ;
        blank->length = strlen("{seq}");
    } else if (starts_with(text, length, "{rand}")) {
        blank->length = strlen("{rand}");
    } else if (starts_with(text, length, "{rand:")) {
        const char *after = read_bounds(text + strlen("{rand:"), text + length, blank);
        blank->length = after ? (size_t)(after - text) : 0;
        *good = after != NULL;
    } else {
        return false;
    }
    return true;
}

/* The offset of the first blank at or after `from`, or `length`. */
static size_t find_blank(const char *text, size_t from, size_t length, struct piece *blank,
                         bool *good)
{
    *good = true;
    while (from < length) {
        const char *brace = memchr(text + from, '{', length - from);
        if (!brace)
            break;
        from = (size_t)(brace - text);
        if (is_blank(brace, length - from, blank, good))
            return from;
        from++;
    }
    return length;
}

bool template_needed(const char *text, size_t length)
{
    struct piece blank;
    bool good;
    return find_blank(text, 0, length, &blank, &good) < length;
}

static bool add_piece(struct template *t, const struct piece *piece)
{
    bool full = t->count == 0 || (t->count >= FIRST_PIECES && (t->count & (t->count - 1)) == 0);
    if (full) { /* at 0, 8, 16, 32, … */
        size_t room = t->count ? 2 * t->count : FIRST_PIECES;
        struct piece *more = realloc(t->pieces, room * sizeof *more);
        if (!more)
            return false;
        t->pieces = more;
    }
    t->pieces[t->count++] = *piece;
    return true;
}

/* The text from `from` to `to`, split where the length goes. */
static bool add_text(struct template *t, size_t from, size_t to, const struct template_body *body)
{
    if (body && from <= body->length_at && body->length_at < to)
        return add_text(t, from, body->length_at, NULL) &&
               add_piece(t, &(struct piece){.kind = LENGTH, .from = body->length_at}) &&
               add_text(t, body->length_at, to, NULL);
    return from == to ||
           add_piece(t, &(struct piece){.kind = TEXT, .from = from, .length = to - from});
}

static size_t longest(const struct piece *piece)
{
    switch (piece->kind) {
    case TEXT:
        return piece->length;
    case SEQ:
        return DIGITS_MAX;
    case RAND:
        return digits_of(piece->low + piece->span - 1);
    default:
        return digits_of(piece->low);
    }
}

/* How long the whole can become; the length that is filled in can be that of the longest body. */
static void measure(struct template *t, const struct template_body *body)
{
    struct piece *slot = NULL;
    size_t longest_body = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct piece *piece = &t->pieces[i];
        if (piece->kind == LENGTH) {
            slot = piece;
            continue;
        }
        t->room += longest(piece);
        if (body && piece->from >= body->begins_at)
            longest_body += longest(piece);
    }
    if (slot) {
        slot->low = longest_body;
        t->room += longest(slot);
    }
}

/* How much of a malformed blank to quote. */
static int shown(const char *text)
{
    size_t n = strcspn(text, "}\r\n \"");
    return n < 40 ? (int)n + (text[n] == '}') : 40;
}

/* A piece never crosses from the head of the request into its body when `body` is given. */
static bool cut(struct template *t, size_t from, size_t to, const struct template_body *body,
                struct complaint *why)
{
    while (from < to) {
        struct piece blank;
        bool good;
        size_t at = find_blank(t->text, from, to, &blank, &good);
        if (!good)
            return complain(why,
                            "\"%.*s\" is not a template: write {rand:LOW-HIGH} with two whole "
                            "numbers of at most %d digits, LOW not above HIGH",
                            shown(t->text + at), t->text + at, BOUND_DIGITS);
        blank.from = at;
        if (!add_text(t, from, at, body) || (at < to && !add_piece(t, &blank)))
            return complain(why, "out of memory while building the requests");
        from = at < to ? at + blank.length : to;
    }
    return true;
}

bool template_make(struct template *t, const char *text, size_t length,
                   const struct template_body *body, struct complaint *why)
{
    size_t head = body ? body->begins_at : length;
    *t = (struct template){.text = text, .body_at = head};
    if (!cut(t, 0, head, body, why) || !cut(t, head, length, NULL, why)) {
        template_free(t);
        return false;
    }
    measure(t, body);
    return true;
}

void template_free(struct template *t)
{
    free(t->pieces);
    *t = (struct template){0};
}

/* Writes one piece; returns its length. */
static size_t render_piece(const struct template *t, const struct piece *piece, uint64_t seq,
                           struct rng *rng, char *out)
{
    switch (piece->kind) {
    case TEXT:
        memcpy(out, t->text + piece->from, piece->length);
        return piece->length;
    case SEQ:
        return print_number(seq, out);
    case RAND:
        return print_number(piece->low + rng_below(rng, piece->span), out);
    default:
        return longest(piece); /* left free */
    }
}

/* Fills in `value` at the beginning of `slot`, where `reserved` bytes were left free with `after`
 * more behind them; returns how many too many they were. */
static size_t fill_length(char *slot, size_t reserved, size_t value, size_t after)
{
    char digits[DIGITS_MAX];
    size_t n = print_number(value, digits);
    memcpy(slot, digits, n);
    if (n < reserved)
        memmove(slot + n, slot + reserved, after);
    return reserved - n;
}

size_t template_render(const struct template *t, uint64_t seed, uint64_t seq, char *out)
{
    size_t end = 0, slot = 0, reserved = 0, body = 0;
    struct rng rng;
    rng_seed(&rng, seed, seq);
    for (size_t i = 0; i < t->count; i++) {
        const struct piece *piece = &t->pieces[i];
        if (piece->kind == LENGTH) {
            slot = end;
            reserved = longest(piece);
        } else if (body == 0 && piece->from >= t->body_at) {
            body = end;
        }
        end += render_piece(t, piece, seq, &rng, out + end);
    }
    if (reserved > 0)
        end -= fill_length(out + slot, reserved, end - body, end - slot - reserved);
    return end;
}
