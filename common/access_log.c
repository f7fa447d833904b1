/*
 * access_log.c — NCSA combined, or one JSON object a line.
 *
 * No printf: it would take more time than the rest of the line.
 */
#include "access_log.h"

#include <string.h>
#include <time.h>

#include "address.h"
#include "buf.h"
#include "digits.h"
#include "log.h"

/* Of one value. An escaped byte takes six (JSON) or four; when that makes the line too long, it is made
 * again with less of each: then it always fits. */
enum { VALUE_LIMIT = 1024, VALUE_LEAST = 80 };
_Static_assert(7 * 6 * VALUE_LEAST + 700 < LOG_LINE, "seven values, and what stands around them");

void access_log_open(struct access_log *log, const char *path, enum log_format format)
{
    *log = (struct access_log){.is_on = strcmp(path, "off") != 0, .format = format};
}

bool access_log_tells_cpu(const struct access_log *log)
{
    return log->is_on && log->format == FORMAT_JSON;
}

static void add_number(struct buf *b, unsigned long long n, int width)
{
    char digits[DIGITS_SIZE];
    buf_add(b, digits, (size_t)(put_number(digits, n, width) - digits));
}

static void add_peer(struct buf *b, const struct sockaddr_in6 *peer)
{
    char text[INET6_ADDRSTRLEN];
    buf_text(b, address_text(peer, text));
}

/* --- combined --- */

/* Quotes and whatever a terminal or a log reader might take for its own, as \xHH. */
static void add_quoted(struct buf *b, const char *text, size_t n, size_t limit)
{
    if (!text) {
        buf_text(b, "\"-\"");
        return;
    }
    if (n > limit)
        n = limit;
    buf_add(b, "\"", 1);
    size_t plain = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)text[i];
        if (ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\')
            continue;
        char escape[4] = "\\x";
        put_hex(escape + 2, ch, 2);
        buf_add(b, text + plain, i - plain);
        buf_add(b, escape, sizeof escape);
        plain = i + 1;
    }
    buf_add(b, text + plain, n - plain);
    buf_add(b, "\"", 1);
}

/* " - - [28/Nov/2026:03:20:08 +0000] " */
static void add_day(struct buf *b, const struct tm *tm)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    buf_text(b, " - - [");
    add_number(b, (unsigned)tm->tm_mday, 2);
    buf_add(b, "/", 1);
    buf_add(b, months + 3 * (size_t)tm->tm_mon, 3);
    buf_add(b, "/", 1);
    add_number(b, (unsigned)tm->tm_year + 1900, 4);
    buf_add(b, ":", 1);
    add_number(b, (unsigned)tm->tm_hour, 2);
    buf_add(b, ":", 1);
    add_number(b, (unsigned)tm->tm_min, 2);
    buf_add(b, ":", 1);
    add_number(b, (unsigned)tm->tm_sec, 2);
    buf_text(b, " +0000] ");
}

static void add_combined(struct buf *b, const struct access_entry *e, const struct tm *tm,
                         size_t limit)
{
    add_peer(b, e->peer);
    add_day(b, tm);
    add_quoted(b, e->line, e->line_len, limit);
    buf_add(b, " ", 1);
    add_number(b, (unsigned)e->status, 1);
    buf_add(b, " ", 1);
    add_number(b, e->bytes, 1);
    buf_add(b, " ", 1);
    add_quoted(b, e->referer, e->referer_len, limit);
    buf_add(b, " ", 1);
    add_quoted(b, e->agent, e->agent_len, limit);
}

/* --- JSON --- */

static void add_member(struct buf *b, const char *name, const char *text, size_t n, size_t limit)
{
    if (!text)
        return;
    buf_add(b, ",\"", 2);
    buf_text(b, name);
    buf_add(b, "\":\"", 3);
    buf_json(b, text, n < limit ? n : limit);
    buf_add(b, "\"", 1);
}

static void add_text(struct buf *b, const char *name, const char *text, size_t limit)
{
    if (text && *text)
        add_member(b, name, text, strlen(text), limit);
}

/* Of one that died, they lie where its worker could write: perhaps without an end. */
static void add_facts(struct buf *b, const struct tls_facts *f, size_t limit)
{
    const struct {
        const char *name, *text;
        size_t size;
    } all[] = {{"tls", f->version, sizeof f->version},
               {"server_name", f->server_name, sizeof f->server_name},
               {"client", f->subject, sizeof f->subject}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        size_t length = strnlen(all[i].text, all[i].size);
        add_member(b, all[i].name, length > 0 ? all[i].text : NULL, length, limit);
    }
}

static void add_figure(struct buf *b, const char *name, unsigned long long n)
{
    buf_add(b, ",\"", 2);
    buf_text(b, name);
    buf_add(b, "\":", 2);
    add_number(b, n, 1);
}

/* {"time":"2026-11-28T03:20:08.123456Z" (RFC 3339) */
static void add_time(struct buf *b, const struct tm *tm, long microseconds)
{
    buf_text(b, "{\"time\":\"");
    add_number(b, (unsigned)tm->tm_year + 1900, 4);
    buf_add(b, "-", 1);
    add_number(b, (unsigned)tm->tm_mon + 1, 2);
    buf_add(b, "-", 1);
    add_number(b, (unsigned)tm->tm_mday, 2);
    buf_add(b, "T", 1);
    add_number(b, (unsigned)tm->tm_hour, 2);
    buf_add(b, ":", 1);
    add_number(b, (unsigned)tm->tm_min, 2);
    buf_add(b, ":", 1);
    add_number(b, (unsigned)tm->tm_sec, 2);
    buf_add(b, ".", 1);
    add_number(b, (unsigned long)microseconds, 6);
    buf_text(b, "Z\"");
}

static void add_worker(struct buf *b, const struct access_entry *e)
{
    if (e->worker > 0)
        add_figure(b, "worker", e->worker);
    if (e->pid > 0)
        add_figure(b, "pid", (unsigned)e->pid);
    if (e->cpu >= 0)
        add_figure(b, "cpu_us", (unsigned long long)e->cpu);
}

static void add_json(struct buf *b, const struct access_entry *e, const struct tm *tm,
                     long microseconds, size_t limit)
{
    add_time(b, tm, microseconds);
    buf_text(b, ",\"peer\":\"");
    add_peer(b, e->peer);
    buf_add(b, "\"", 1);
    add_figure(b, "status", (unsigned)e->status);
    add_figure(b, "bytes", e->bytes);
    add_figure(b, "us", e->microseconds > 0 ? (unsigned long long)e->microseconds : 0);
    add_text(b, "id", e->id, limit);
    add_worker(b, e);
    add_text(b, "route", e->route, limit);
    add_member(b, "request", e->line, e->line_len, limit);
    add_member(b, "referer", e->referer, e->referer_len, limit);
    add_member(b, "agent", e->agent, e->agent_len, limit);
    add_text(b, "cause", e->cause, limit);
    if (e->tls)
        add_facts(b, e->tls, limit);
    buf_add(b, "}", 1);
}

/* --- the line --- */

/* False: it does not fit. */
static bool make_line(const struct access_log *log, const struct access_entry *e,
                      const struct timespec *when, struct buf *b, size_t limit)
{
    struct tm tm;
    gmtime_r(&when->tv_sec, &tm);
    if (log->format == FORMAT_JSON)
        add_json(b, e, &tm, when->tv_nsec / 1000, limit);
    else
        add_combined(b, e, &tm, limit);
    return buf_add(b, "\n", 1);
}

size_t access_log_line(const struct access_log *log, const struct access_entry *entry,
                       const struct timespec *when, char out[LOG_LINE])
{
    const struct buf empty = {.data = out, .cap = LOG_LINE, .limit = LOG_LINE}; /* never grows */
    struct buf line = empty;
    if (!make_line(log, entry, when, &line, VALUE_LIMIT)) {
        line = empty;
        make_line(log, entry, when, &line, VALUE_LEAST);
    }
    return line.len;
}

void access_log_write(const struct access_log *log, const struct access_entry *entry)
{
    char line[LOG_LINE];
    struct timespec now;
    if (!log->is_on)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    log_put(LOG_ACCESS, line, access_log_line(log, entry, &now, line));
}
