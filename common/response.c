/*
 * response.c — the handler's calls, and the one place that writes a response head.
 */
#include "response.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accept.h"
#include "digits.h"
#include "grammar.h"
#include "limits.h"

enum { MAX_HEADERS = 64 * 1024, KEPT_MEMORY = 256 * 1024 };

void response_open(struct response *r)
{
    *r = (struct response){.fd = -1};
    buf_init(&r->headers, MAX_HEADERS);
    buf_init(&r->body, LIMIT_RESPONSE);
    response_reset(r);
}

void response_close(struct response *r)
{
    response_reset(r);
    buf_free(&r->headers);
    buf_free(&r->body);
}

void response_drop_file(struct response *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void response_reset(struct response *r)
{
    response_drop_file(r);
    r->offset = r->length = 0;
    r->status = 200;
    r->failed = r->has_begun = false;
    memcpy(r->type, "text/plain", sizeof "text/plain");
    buf_reset(&r->headers, MAX_HEADERS);
    buf_reset(&r->body, KEPT_MEMORY);
}

uint64_t response_length(const struct response *r)
{
    return r->fd >= 0 ? r->length : r->body.len;
}

/* --- the handler's side --- */

void response_status(struct response *res, int status)
{
    if (status >= 200 && status <= 599)
        res->status = status;
    else
        res->failed = true;
}

/* Bytes that may stand in a field value (RFC 9110 §5.5). */
static bool is_value(const char *text)
{
    while (is_text_char((unsigned char)*text))
        text++;
    return *text == '\0';
}

static bool is_token(const char *text)
{
    const char *at = text;
    while (is_token_char((unsigned char)*at))
        at++;
    return at > text && *at == '\0';
}

void response_type(struct response *res, const char *media_type)
{
    size_t n = strlen(media_type);
    if (n >= sizeof res->type || !is_value(media_type))
        res->failed = true;
    else
        memcpy(res->type, media_type, n + 1);
}

bool response_header(struct response *res, const char *name, const char *value)
{
    if (!is_token(name) || !is_value(value))
        return false;
    buf_text(&res->headers, name);
    buf_add(&res->headers, ": ", 2);
    buf_text(&res->headers, value);
    buf_add(&res->headers, "\r\n", 2);
    if (res->headers.failed)
        res->failed = true;
    return !res->failed;
}

bool response_write(struct response *res, const void *data, size_t length)
{
    if (!buf_add(&res->body, data, length))
        res->failed = true;
    return !res->failed;
}

void response_file(struct response *res, int fd, uint64_t offset, uint64_t length)
{
    if (res->fd >= 0)
        close(res->fd);
    if (res->has_begun) { /* too late for a file: its length would have stood in the head */
        close(fd);
        fd = -1;
        res->failed = true;
    }
    res->fd = fd;
    res->offset = offset;
    res->length = length;
}

bool response_flush(struct response *res)
{
    if (res->fd >= 0 || !res->flush || !res->flush(res, res->flush_to))
        res->failed = true;
    return !res->failed;
}

/* --- errors --- */

static void write_json(struct buf *b, int status, const char *detail, const char *id)
{
    buf_printf(b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", status_phrase(status),
               status);
    if (detail) {
        buf_text(b, ",\"detail\":\"");
        buf_json(b, detail, strlen(detail));
        buf_text(b, "\"");
    }
    buf_printf(b, ",\"request\":\"%s\"}\n", id);
}

static void write_page(struct buf *b, int status, const char *detail, const char *id)
{
    const char *phrase = status_phrase(status);
    buf_printf(b,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width\">\n"
               "<title>%d %s</title>\n<h1>%d %s</h1>\n",
               status, phrase, status, phrase);
    if (detail) {
        buf_text(b, "<p>");
        buf_html(b, detail, strlen(detail));
        buf_text(b, "</p>\n");
    }
    buf_printf(b, "<p><small>Request %s</small></p>\n</html>\n", id);
}

enum problem_form request_problem_form(const struct request *req)
{
    size_t length;
    const char *accept = request_header(req, "Accept", &length);
    return accept && accept_prefers_html(accept, length) ? PROBLEM_HTML : PROBLEM_JSON;
}

void response_problem(struct response *r, enum problem_form form, int status, const char *detail,
                      const char *id)
{
    response_reset(r);
    r->status = status;
    if (form == PROBLEM_HTML) {
        response_type(r, "text/html; charset=utf-8");
        write_page(&r->body, status, detail, id);
    } else {
        response_type(r, "application/problem+json");
        write_json(&r->body, status, detail, id);
    }
    response_header(r, "Vary", "Accept");
}

/* --- the head --- */

static const struct phrase {
    int status;
    const char *text;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *status_phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].text;
    return "Unknown";
}

/* 204 and 304 describe no content of this message (RFC 9110 §8.6). */
static bool has_length(int status)
{
    return status != 204 && status != 304;
}

enum { HEAD_ROOM = 256 }; /* for all but the type and the handler's own fields */

bool response_head(struct buf *out, const struct response *r, const struct response_context *about)
{
    size_t hsts = about->hsts ? strlen(about->hsts) : 0, id = about->id ? strlen(about->id) : 0;
    char *head = buf_room(out, HEAD_ROOM + sizeof r->type + hsts + id + r->headers.len);
    if (!head)
        return false;
    char *to = stpcpy(head, "HTTP/1.1 ");
    to = put_number(to, (unsigned)r->status, 3);
    to = stpcpy(to, " ");
    to = stpcpy(to, status_phrase(r->status));
    if (!about->is_nameless)
        to = stpcpy(to, "\r\nServer: tandem");
    if (hsts > 0)
        to = stpcpy(stpcpy(to, "\r\nStrict-Transport-Security: "), about->hsts);
    if (id > 0)
        to = stpcpy(stpcpy(to, "\r\nX-Request-Id: "), about->id);
    to = stpcpy(to, "\r\nDate: ");
    to = stpcpy(to, about->date);
    if (has_length(r->status)) {
        to = stpcpy(to, "\r\nContent-Type: ");
        to = stpcpy(to, r->type);
    }
    if (about->is_chunked) {
        to = stpcpy(to, "\r\nTransfer-Encoding: chunked");
    } else if (has_length(r->status) && !r->has_begun) {
        to = stpcpy(to, "\r\nContent-Length: ");
        to = put_number(to, response_length(r), 1);
    }
    to = stpcpy(to, "\r\n");
    if (r->headers.len > 0)
        to = mempcpy(to, r->headers.data, r->headers.len);
    if (about->close)
        to = stpcpy(to, "Connection: close\r\n");
    else if (about->is_old)
        to = stpcpy(to, "Connection: keep-alive\r\n");
    to = stpcpy(to, "\r\n");
    out->len += (size_t)(to - head);
    return true;
}
