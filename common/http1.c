/*
 * http1.c — strictness first, then llhttp.
 *
 * llhttp 8.1 and 9.2 differ in what they let pass (a bare CR or LF, for one), and request smuggling
 * lives in such differences. So each byte of a head is checked here against RFC 9112's grammar of
 * lines before llhttp sees it; llhttp splits the fields and judges their framing; and what llhttp
 * leaves to its user (Host, versions, forms of the target) is checked last.
 */
#include "http1.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar.h"
#include "uri.h"

/* --- lines: CRLF and nothing else, no controls, no folding (RFC 9112 §2.2, §5.2) --- */

enum head_end { HEAD_ENDS, HEAD_GOES_ON, HEAD_IS_BAD };

/* Looks for the empty line, and at each byte on the way. HEAD_ENDS: *length with the empty line. */
static enum head_end find_end(const char *in, size_t n, size_t *length)
{
    for (size_t i = 0;;) {
        while (i < n && is_text_char((unsigned char)in[i]))
            i++;
        if (i < n && in[i] != '\r')
            return HEAD_IS_BAD;
        if (n - i < 2)
            return HEAD_GOES_ON;
        if (in[i + 1] != '\n')
            return HEAD_IS_BAD;
        i += 2;
        if (i < n && (in[i] == ' ' || in[i] == '\t'))
            return HEAD_IS_BAD;
        if (n - i >= 2 && in[i] == '\r' && in[i + 1] == '\n') {
            *length = i + 2;
            return HEAD_ENDS;
        }
    }
}

/* The grammar of every field line up to its colon; llhttp 8.1 allows more. */
static bool fields_are_named(const char *in, const char *end)
{
    while (in < end) {
        const char *line_end = memchr(in, '\r', (size_t)(end - in));
        const char *at = in;
        while (at < line_end && is_token_char((unsigned char)*at))
            at++;
        if (at == in || *at != ':')
            return false;
        in = line_end + 2;
    }
    return true;
}

/* --- the request line (RFC 9112 §3) --- */

struct request_line {
    const char *method, *target, *version;
    size_t method_len, target_len, version_len;
};

static bool split_line(const char *line, size_t n, struct request_line *out)
{
    const char *end = line + n;
    const char *first = memchr(line, ' ', n);
    if (!first || first == line)
        return false;
    const char *second = memchr(first + 1, ' ', (size_t)(end - first - 1));
    if (!second || second == first + 1)
        return false;
    *out = (struct request_line){.method = line,
                                 .method_len = (size_t)(first - line),
                                 .target = first + 1,
                                 .target_len = (size_t)(second - first - 1),
                                 .version = second + 1,
                                 .version_len = (size_t)(end - second - 1)};
    return true;
}

static int check_version(const struct request_line *line)
{
    const char *v = line->version;
    if (line->version_len != 8 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '0' || v[5] > '9' ||
        v[6] != '.' || v[7] < '0' || v[7] > '9')
        return 400;
    return v[5] == '1' && v[7] <= '1' ? 0 : 505;
}

static int check_line(const struct options *o, const struct request_line *line, struct request *r)
{
    for (size_t i = 0; i < line->method_len; i++)
        if (!is_token_char((unsigned char)line->method[i]))
            return 400;
    for (size_t i = 0; i < line->target_len; i++)
        if (line->target[i] <= 0x20 || line->target[i] >= 0x7f || line->target[i] == '#')
            return 400;
    if (line->target_len > o->max_uri)
        return 414;
    int status = check_version(line);
    if (status)
        return status;
    if (line->method_len >= sizeof r->method)
        return 501;
    memcpy(r->method, line->method, line->method_len);
    r->method[line->method_len] = '\0';
    r->is_head = strcmp(r->method, "HEAD") == 0;
    r->is_old = line->version[7] == '0';
    r->target = line->target;
    r->target_len = line->target_len;
    return 0;
}

/* --- fields, through llhttp --- */

struct reading {
    struct request *request;
    int status; /* why a callback stopped the parser */
    bool is_whole;
};

static int on_field(llhttp_t *parser, const char *at, size_t n)
{
    struct reading *reading = parser->data;
    struct request *r = reading->request;
    if (r->field_count == r->field_max) {
        reading->status = 431;
        return -1;
    }
    r->fields[r->field_count++] = (struct field){.name = at, .name_len = (uint32_t)n, .value = ""};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
    struct request *r = ((struct reading *)parser->data)->request;
    struct field *f = &r->fields[r->field_count - 1];
    while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
        n--;
    f->value = at;
    f->value_len = (uint32_t)n;
    return 0;
}

static int on_head(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    reading->is_whole = true;
    reading->request->keep_alive = llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static int refusal(const llhttp_t *parser, const struct reading *reading)
{
    if (reading->status)
        return reading->status;
    switch (llhttp_get_errno(parser)) {
    case HPE_INVALID_METHOD:
        return 501;
    case HPE_INVALID_VERSION:
        return 505;
    default:
        return 400;
    }
}

static int read_fields(struct request *r)
{
    static const llhttp_settings_t settings = {
        .on_header_field = on_field, .on_header_value = on_value, .on_headers_complete = on_head};
    struct reading reading = {.request = r};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &reading;
    llhttp_execute(&parser, r->head, r->head_len);
    return reading.is_whole ? 0 : refusal(&parser, &reading);
}

/* --- what llhttp leaves to us --- */

static bool is_named(const struct field *f, const char *name)
{
    return f->name_len == strlen(name) && strncasecmp(f->name, name, f->name_len) == 0;
}

static bool is_value(const struct field *f, const char *value)
{
    return f->value_len == strlen(value) && strncasecmp(f->value, value, f->value_len) == 0;
}

/* "[" IPv6address "]" as far as its bytes go; what is in it is for whoever connects there. */
static size_t literal_length(const char *text, size_t n)
{
    size_t i = 1;
    while (i < n && (hex_value((unsigned char)text[i]) >= 0 || text[i] == ':' || text[i] == '.'))
        i++;
    bool has_colon = memchr(text, ':', i);
    return i < n && text[i] == ']' && has_colon ? i + 1 : 0;
}

static size_t name_length(const char *text, size_t n)
{
    size_t i = 0;
    for (; i < n && text[i] != ':'; i++) {
        if (!is_host_char((unsigned char)text[i]) || text[i] == '[' || text[i] == ']')
            return 0;
        bool is_encoded = i + 2 < n && hex_value((unsigned char)text[i + 1]) >= 0 &&
                          hex_value((unsigned char)text[i + 2]) >= 0;
        if (text[i] == '%' && !is_encoded)
            return 0;
    }
    return i;
}

/* uri-host [ ":" port ] (RFC 9110 §7.2, RFC 3986 §3.2.2); an empty one where there is no authority. */
static bool is_host(const char *text, size_t n)
{
    if (n == 0)
        return true;
    size_t i = *text == '[' ? literal_length(text, n) : name_length(text, n);
    if (i == 0 || (i < n && text[i] != ':'))
        return false;
    unsigned port = 0;
    for (i++; i < n && port <= 65535; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port <= 65535;
}

/* Content-Length = 1*DIGIT (RFC 9110 §8.6); what no 63-bit integer holds is too large for
 * anyone. */
static int read_length(const struct field *f, struct request *r)
{
    if (f->value_len == 0)
        return 400;
    uint64_t length = 0;
    for (uint32_t i = 0; i < f->value_len; i++) {
        if (f->value[i] < '0' || f->value[i] > '9')
            return 400;
        if (length > (uint64_t)INT64_MAX / 10 - 1)
            return 413;
        length = length * 10 + (uint64_t)(f->value[i] - '0');
    }
    r->content_length = length;
    return 0;
}

struct seen {
    unsigned hosts, lengths, codings;
};

static int check_field(const struct field *f, struct request *r, struct seen *seen)
{
    switch (f->name_len) { /* most fields are none of ours: their length says so */
    case 4:
        if (is_named(f, "Host") && (seen->hosts++ > 0 || !is_host(f->value, f->value_len)))
            return 400;
        return 0;
    case 6:
        if (!is_named(f, "Expect"))
            return 0;
        if (!is_value(f, "100-continue"))
            return 417;
        r->expects_continue = !r->is_old;
        return 0;
    case 14:
        if (!is_named(f, "Content-Length"))
            return 0;
        return seen->lengths++ > 0 ? 400 : read_length(f, r);
    case 17:
        if (!is_named(f, "Transfer-Encoding"))
            return 0;
        if (r->is_old || seen->codings++ > 0)
            return 400;
        r->is_chunked = is_value(f, "chunked");
        return r->is_chunked ? 0 : 501;
    default:
        return 0;
    }
}

static int check_fields(const struct options *o, struct request *r)
{
    struct seen seen = {0};
    for (unsigned i = 0; i < r->field_count; i++) {
        int status = check_field(&r->fields[i], r, &seen);
        if (status)
            return status;
    }
    if (seen.codings && seen.lengths)
        return 400;
    if (seen.hosts == 0 && !r->is_old)
        return 400;
    return r->content_length > o->max_body ? 413 : 0;
}

/* "http://" or "https://" of absolute-form. */
static size_t scheme_length(struct request *r)
{
    r->wants_https = r->target_len > 8 && strncasecmp(r->target, "https://", 8) == 0;
    if (r->wants_https)
        return 8;
    return r->target_len > 7 && strncasecmp(r->target, "http://", 7) == 0 ? 7 : 0;
}

/* origin-form, absolute-form, and "*" for OPTIONS (RFC 9112 §3.2). CONNECT is for proxies. */
static int read_target(struct request *r)
{
    const char *at = r->target, *end = r->target + r->target_len;
    if (strcmp(r->method, "CONNECT") == 0)
        return 501;
    if (r->target_len == 1 && *at == '*') {
        memcpy(r->path, "*", 2);
        return strcmp(r->method, "OPTIONS") == 0 ? 0 : 400;
    }
    size_t scheme = scheme_length(r);
    if (scheme > 0) {
        const char *host = at + scheme;
        for (at = host; at < end && *at != '/' && *at != '?';)
            at++;
        if (at == host || !is_host(host, (size_t)(at - host)))
            return 400;
    }
    const char *mark = memchr(at, '?', (size_t)(end - at));
    if (mark) {
        r->query = mark + 1;
        r->query_len = (size_t)(end - mark - 1);
        end = mark;
    }
    if (at == end && at != r->target)
        at = "/", end = at + 1; /* "http://host" is its root */
    return uri_path(at, (size_t)(end - at), r->path) ? 0 : 400;
}

/* --- the whole --- */

/* A head without its end: too large already? */
static int judge_beginning(const struct options *o, const char *in, size_t n)
{
    bool in_first_line = !memchr(in, '\r', n);
    if (in_first_line && n > o->max_uri + REQUEST_METHOD_SIZE + sizeof " HTTP/1.1")
        return 414;
    return n >= o->max_header ? 431 : HTTP1_MORE;
}

int http1_parse(const struct options *o, const char *in, size_t n, struct request *r)
{
    size_t from = 0;
    while (n - from >= 2 && memcmp(in + from, "\r\n", 2) == 0)
        from += 2; /* empty lines before a request are ignored (RFC 9112 §2.2) */
    const char *line = in + from;
    size_t length = 0;
    enum head_end found = find_end(line, n - from, &length);
    if (found == HEAD_GOES_ON)
        return judge_beginning(o, line, n - from);
    request_reset(r);
    r->head = in;
    r->head_len = from + length;
    r->line = line;
    r->is_head = n - from > 5 && memcmp(line, "HEAD ", 5) == 0; /* even if it is refused */
    const char *line_end = memchr(line, '\r', n - from);
    r->line_len = line_end ? (size_t)(line_end - line) : 0;
    struct request_line parts;
    if (found == HEAD_IS_BAD || !split_line(line, r->line_len, &parts))
        return 400;
    int status = check_line(o, &parts, r);
    if (!status && r->head_len > o->max_header)
        status = 431;
    if (!status && !fields_are_named(line_end + 2, line + length - 2))
        status = 400;
    if (!status)
        status = read_fields(r);
    r->has_fields = !status;
    if (!status)
        status = check_fields(o, r);
    return status ? status : read_target(r);
}
