/*
 * shot.c — writes a request once, so that sending it costs a system call and nothing else.
 */
#include "shot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t token_length(const char *text)
{
    size_t n = 0;
    while ((unsigned char)text[n] > ' ' && (unsigned char)text[n] < 0x7f &&
           !strchr("\"(),/:;<=>?@[\\]{}", text[n]))
        n++;
    return n;
}

bool header_is_valid(const char *text)
{
    size_t name = token_length(text);
    if (name == 0 || text[name] != ':')
        return false;
    for (const char *c = text + name; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return false;
    return true;
}

bool method_is_valid(const char *text)
{
    size_t n = token_length(text);
    return n > 0 && n <= 32 && text[n] == '\0';
}

static bool has_header(const struct dress *dress, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < dress->header_count; i++)
        if (strncasecmp(dress->headers[i], name, length) == 0 && dress->headers[i][length] == ':')
            return true;
    return false;
}

/* Writes all of it; of a body with blanks the length is left out, and `body` says where it goes. */
static void write_request(FILE *out, const struct dress *dress, const struct url *url,
                          struct template_body *body)
{
    fprintf(out, "%s %s HTTP/1.1\r\n", dress->method, url->uri);
    if (!has_header(dress, "Host"))
        fprintf(out, "Host: %s\r\n", url->authority);
    for (size_t i = 0; i < dress->header_count; i++)
        fprintf(out, "%s\r\n", dress->headers[i]);
    if (dress->body && !has_header(dress, "Content-Length") &&
        !has_header(dress, "Transfer-Encoding")) {
        fputs("Content-Length: ", out);
        if (template_needed(dress->body, dress->body_length))
            body->length_at = (size_t)ftell(out);
        else
            fprintf(out, "%zu", dress->body_length);
        fputs("\r\n", out);
    }
    if (!dress->keepalive && !has_header(dress, "Connection"))
        fputs("Connection: close\r\n", out);
    fputs("\r\n", out);
    body->begins_at = (size_t)ftell(out);
    if (dress->body)
        fwrite(dress->body, 1, dress->body_length, out);
}

bool shot_build(struct shot *shot, const struct dress *dress, const struct url *url,
                enum party party, struct complaint *why)
{
    struct template_body body = {0};
    memset(shot, 0, sizeof *shot);
    shot->party = party;
    shot->head = strcmp(dress->method, "HEAD") == 0;
    FILE *out = open_memstream(&shot->bytes, &shot->length);
    if (out)
        write_request(out, dress, url, &body);
    bool good =
        (out && fclose(out) == 0) || complain(why, "out of memory while building the requests");
    if (good && template_needed(shot->bytes, shot->length))
        good = template_make(&shot->template, shot->bytes, shot->length,
                             body.length_at ? &body : NULL, why);
    if (!good)
        shot_free(shot);
    return good;
}

void shot_corrupt(struct shot *shot, const struct shot *from, const struct mischief_kind *mischief)
{
    *shot = *from;
    shot->party = INJECTED;
    shot->mischief = mischief;
    shot->borrowed = true;
}

void shot_free(struct shot *shot)
{
    if (!shot->borrowed) {
        template_free(&shot->template);
        free(shot->bytes);
    }
    shot->bytes = NULL;
}
