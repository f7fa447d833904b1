/*
 * access_log.c — NCSA combined, or one JSON object a line.
 */
#include "access_log.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

/* A line holds at most four values, and an escaped byte takes six (JSON) or four: it always
 * fits. */
enum { VALUE_LIMIT = 1024, LINE_LIMIT = 4 * 6 * VALUE_LIMIT + 1024 };

bool access_log_open(struct access_log *log, const char *path, enum log_format format)
{
    *log = (struct access_log){.fd = -1, .format = format};
    if (strcmp(path, "off") == 0)
        return true;
    log->fd = strcmp(path, "-") == 0
                  ? STDOUT_FILENO
                  : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    return log->fd >= 0;
}

void access_log_close(struct access_log *log)
{
    if (log->fd > STDERR_FILENO)
        close(log->fd);
    log->fd = -1;
}

static void add_peer(struct buf *b, const struct sockaddr_in6 *peer)
{
    char text[INET6_ADDRSTRLEN] = "-";
    if (peer->sin6_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, text,
                  sizeof text);
    else if (peer->sin6_family == AF_INET6)
        inet_ntop(AF_INET6, &peer->sin6_addr, text, sizeof text);
    buf_text(b, peer->sin6_family == AF_UNIX ? "unix" : text);
}

/* Quotes and whatever a terminal or a log reader might take for its own, as \xHH. */
static void add_quoted(struct buf *b, const char *text, size_t n)
{
    if (!text) {
        buf_text(b, "\"-\"");
        return;
    }
    if (n > VALUE_LIMIT)
        n = VALUE_LIMIT;
    buf_add(b, "\"", 1);
    size_t plain = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)text[i];
        if (ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\')
            continue;
        buf_add(b, text + plain, i - plain);
        buf_printf(b, "\\x%02x", ch);
        plain = i + 1;
    }
    buf_add(b, text + plain, n - plain);
    buf_add(b, "\"", 1);
}

static void add_combined(struct buf *b, const struct access_entry *e, const struct tm *tm)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    add_peer(b, e->peer);
    buf_printf(b, " - - [%02d/%.3s/%04d:%02d:%02d:%02d +0000] ", tm->tm_mday,
               months + 3 * tm->tm_mon, tm->tm_year + 1900, tm->tm_hour, tm->tm_min, tm->tm_sec);
    add_quoted(b, e->line, e->line_len);
    buf_printf(b, " %d %llu ", e->status, (unsigned long long)e->bytes);
    add_quoted(b, e->referer, e->referer_len);
    buf_add(b, " ", 1);
    add_quoted(b, e->agent, e->agent_len);
}

static void add_member(struct buf *b, const char *name, const char *text, size_t n)
{
    if (!text)
        return;
    buf_printf(b, ",\"%s\":\"", name);
    buf_json(b, text, n < VALUE_LIMIT ? n : VALUE_LIMIT);
    buf_add(b, "\"", 1);
}

static void add_text(struct buf *b, const char *name, const char *text)
{
    if (text && *text)
        add_member(b, name, text, strlen(text));
}

static void add_json(struct buf *b, const struct access_entry *e, const struct tm *tm)
{
    buf_printf(b, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02dZ\",\"peer\":\"", tm->tm_year + 1900,
               tm->tm_mon + 1, tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec);
    add_peer(b, e->peer);
    buf_printf(b, "\",\"status\":%d,\"bytes\":%llu,\"us\":%lld,\"id\":\"%s\"", e->status,
               (unsigned long long)e->bytes, (long long)e->microseconds, e->id);
    add_member(b, "request", e->line, e->line_len);
    add_member(b, "referer", e->referer, e->referer_len);
    add_member(b, "agent", e->agent, e->agent_len);
    add_text(b, "cause", e->cause);
    if (e->tls) {
        add_text(b, "tls", e->tls->version);
        add_text(b, "server_name", e->tls->server_name);
        add_text(b, "client", e->tls->subject);
    }
    buf_add(b, "}", 1);
}

void access_log_write(const struct access_log *log, const struct access_entry *entry)
{
    if (log->fd < 0 || (entry->may_be_dropped && !log_has_room(log->fd)))
        return;
    struct buf line;
    struct tm tm;
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    buf_init(&line, LINE_LIMIT);
    if (log->format == FORMAT_JSON)
        add_json(&line, entry, &tm);
    else
        add_combined(&line, entry, &tm);
    buf_add(&line, "\n", 1);
    ssize_t written = line.failed ? 0 : write(log->fd, line.data, line.len);
    (void)written; /* a full disk must not stop the service */
    buf_free(&line);
}
