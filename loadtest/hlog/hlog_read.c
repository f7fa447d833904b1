/*
 * hlog_read.c — reading a log that anybody may have written, or damaged.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hdrcode.h"
#include "hlog.h"

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, LINE_FIRST_BYTES = 4096 };

#define SECONDS_MAX 253402300799.0 /* the end of the year 9999 */
#define YEAR_S (365 * 24 * 3600.0)

static const char version_mark[] = "#[Histogram log format version ";
static const char start_mark[] = "#[StartTime: ";
static const char base_mark[] = "#[BaseTime: ";

struct reader {
    FILE *in;
    unsigned long line; /* number of the one in `text` */
    char *text;
    size_t room;
    double base_s, start_s; /* of the log; -1: it does not say */
};

/* Makes room for another character and the final NUL. */
static bool ensure_room(struct reader *r, size_t used, struct complaint *why)
{
    if (used + 1 < r->room)
        return true;
    size_t room = r->room ? 2 * r->room : LINE_FIRST_BYTES;
    if (room > LINE_MAX_BYTES)
        return complain(why, "the line is longer than %d MiB", LINE_MAX_BYTES / 1024 / 1024);
    char *text = realloc(r->text, room);
    if (!text)
        return complain(why, "out of memory");
    r->text = text;
    r->room = room;
    return true;
}

/* The next line, without its end. *more is false at the end of the file. */
static bool read_line(struct reader *r, bool *more, struct complaint *why)
{
    size_t used = 0;
    int c;
    r->line++;
    while ((c = getc_unlocked(r->in)) != EOF && c != '\n') {
        if (c == '\0')
            return complain(why, "not text: there is a NUL in it");
        if (!ensure_room(r, used, why))
            return false;
        r->text[used++] = (char)c;
    }
    if (!ensure_room(r, used, why))
        return false;
    if (used > 0 && r->text[used - 1] == '\r')
        used--;
    r->text[used] = '\0';
    *more = c != EOF || used > 0;
    return true;
}

/* A number followed by `end`; what is behind that, or NULL. */
static char *take_number(char *text, char end, double *number)
{
    char *behind;
    *number = strtod(text, &behind);
    return behind != text && *behind == end && isfinite(*number) ? behind + 1 : NULL;
}

static char *take_seconds(char *text, char end, double *seconds)
{
    char *behind = take_number(text, end, seconds);
    return *seconds >= 0 && *seconds <= SECONDS_MAX ? behind : NULL;
}

static bool begins(const char *text, const char *mark)
{
    return strncmp(text, mark, strlen(mark)) == 0;
}

/* Comments are free text, but for three. */
static bool read_comment(struct reader *r, struct complaint *why)
{
    if (begins(r->text, version_mark) && strncmp(r->text + strlen(version_mark), "1.", 2) != 0)
        return complain(why, "the log's format is not version 1.x, and no other is read");
    if (begins(r->text, start_mark) &&
        !take_seconds(r->text + strlen(start_mark), ' ', &r->start_s))
        return complain(why, "StartTime is not a number of seconds");
    if (begins(r->text, base_mark) && !take_seconds(r->text + strlen(base_mark), ' ', &r->base_s))
        return complain(why, "BaseTime is not a number of seconds");
    return true;
}

/* What start times count from. A log that does not say has either absolute ones, or, when they are
 * long before its start, such as count from there. */
static double base_of(const struct reader *r, double start_s)
{
    if (r->base_s >= 0)
        return r->base_s;
    return r->start_s >= 0 && start_s < r->start_s - YEAR_S ? r->start_s : 0;
}

/* Tags go to terminals and into JSON, so they are plain. */
static char *take_tag(char *text, char tag[HLOG_TAG_SIZE], struct complaint *why)
{
    size_t length = 0;
    tag[0] = '\0';
    if (!begins(text, "Tag="))
        return text;
    text += 4;
    while (text[length] > ' ' && text[length] < 0x7f && text[length] != ',')
        length++;
    if (length == 0 || length >= HLOG_TAG_SIZE || text[length] != ',') {
        complain(why, "a tag is up to %d printable characters and a comma", HLOG_TAG_SIZE - 1);
        return NULL;
    }
    memcpy(tag, text, length);
    tag[length] = '\0';
    return text + length + 1;
}

static bool read_interval(struct reader *r, hlog_taker *take, void *context, struct complaint *why)
{
    struct hlog_interval interval;
    double ignored; /* the maximum: the histogram tells it, too */
    char *at = take_tag(r->text, interval.tag, why);
    if (!at)
        return false;
    if (!(at = take_seconds(at, ',', &interval.start_s)) ||
        !(at = take_seconds(at, ',', &interval.length_s)) || !(at = take_number(at, ',', &ignored)))
        return complain(why, "neither a comment nor [Tag=NAME,]START,LENGTH,MAX,HISTOGRAM");
    interval.start_s += base_of(r, interval.start_s);
    struct hist *into = take(context, &interval, why);
    return into && hdr_decode(at, strlen(at), into, why);
}

bool hlog_read(FILE *in, const char *name, hlog_taker *take, void *context, struct complaint *why)
{
    struct reader r = {.in = in, .base_s = -1, .start_s = -1};
    struct complaint detail;
    bool more = true, good = true;
    while (good && more) {
        good = read_line(&r, &more, &detail);
        if (!good || !more || r.text[0] == '\0' || r.text[0] == '"')
            continue;
        good = r.text[0] == '#' ? read_comment(&r, &detail)
                                : read_interval(&r, take, context, &detail);
    }
    free(r.text);
    if (!good)
        return complain(why, "%s, line %lu: %s", name, r.line, detail.text);
    return !ferror(in) || complain(why, "cannot read %s: %s", name, strerror(errno));
}
