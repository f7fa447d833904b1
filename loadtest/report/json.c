/*
 * json.c — see json.h.
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>

static void quote(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char ch = (unsigned char)*text;
        if (ch == '"' || ch == '\\')
            fprintf(out, "\\%c", ch);
        else if (ch < 0x20 || ch == 0x7f)
            fprintf(out, "\\u%04x", ch);
        else
            fputc(ch, out);
    }
    fputc('"', out);
}

static void new_line(const struct json *j)
{
    if (j->compact)
        return;
    fputc('\n', j->out);
    for (int i = 0; i < j->depth; i++)
        fputs("  ", j->out);
}

static void member(struct json *j, const char *key)
{
    if (!j->first)
        fputs(j->compact ? ", " : ",", j->out);
    j->first = false;
    if (j->depth > 0)
        new_line(j);
    if (key) {
        quote(j->out, key);
        fputs(": ", j->out);
    }
}

static void open_group(struct json *j, const char *key, char bracket)
{
    member(j, key);
    fputc(bracket, j->out);
    j->depth++;
    j->first = true;
}

static void close_group(struct json *j, char bracket)
{
    j->depth--;
    if (!j->first)
        new_line(j);
    fputc(bracket, j->out);
    j->first = false;
}

void json_begin(struct json *j, FILE *out)
{
    *j = (struct json){.out = out, .first = true};
}

void json_end(struct json *j)
{
    fputc('\n', j->out);
}

void json_object(struct json *j, const char *key)
{
    open_group(j, key, '{');
}

void json_object_end(struct json *j)
{
    close_group(j, '}');
}

void json_array(struct json *j, const char *key)
{
    open_group(j, key, '[');
}

void json_array_end(struct json *j)
{
    close_group(j, ']');
}

void json_text(struct json *j, const char *key, const char *value)
{
    if (!value) {
        json_null(j, key);
        return;
    }
    member(j, key);
    quote(j->out, value);
}

void json_count(struct json *j, const char *key, uint64_t value)
{
    member(j, key);
    fprintf(j->out, "%" PRIu64, value);
}

void json_real(struct json *j, const char *key, double value)
{
    if (!isfinite(value)) {
        json_null(j, key);
        return;
    }
    member(j, key);
    fprintf(j->out, "%.10g", value);
}

void json_bool(struct json *j, const char *key, bool value)
{
    member(j, key);
    fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
    member(j, key);
    fputs("null", j->out);
}
