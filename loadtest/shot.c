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

static void write_request(FILE *out, const struct dress *dress, const struct url *url)
{
    fprintf(out, "%s %s HTTP/1.1\r\n", dress->method, url->uri);
    if (!has_header(dress, "Host"))
        fprintf(out, "Host: %s\r\n", url->authority);
    for (size_t i = 0; i < dress->header_count; i++)
        fprintf(out, "%s\r\n", dress->headers[i]);
    if (dress->body && !has_header(dress, "Content-Length") &&
        !has_header(dress, "Transfer-Encoding"))
        fprintf(out, "Content-Length: %zu\r\n", dress->body_length);
    if (!dress->keepalive && !has_header(dress, "Connection"))
        fputs("Connection: close\r\n", out);
    fputs("\r\n", out);
    if (dress->body)
        fwrite(dress->body, 1, dress->body_length, out);
}

bool shot_build(struct shot *shot, const struct dress *dress, const struct url *url,
                enum party party)
{
    memset(shot, 0, sizeof *shot);
    FILE *out = open_memstream(&shot->bytes, &shot->length);
    if (!out)
        return false;
    write_request(out, dress, url);
    shot->party = party;
    shot->head = strcmp(dress->method, "HEAD") == 0;
    if (fclose(out) == 0)
        return true;
    shot_free(shot);
    return false;
}

bool shot_corrupt(struct shot *shot, const struct shot *from, const struct mischief_kind *mischief)
{
    *shot = *from;
    shot->party = INJECTED;
    shot->mischief = mischief;
    shot->bytes = malloc(from->length);
    if (shot->bytes)
        memcpy(shot->bytes, from->bytes, from->length);
    return shot->bytes != NULL;
}

void shot_free(struct shot *shot)
{
    free(shot->bytes);
    shot->bytes = NULL;
}
