/*
 * The reader of case files.  Strict by intent: whatever it does not understand stops the run.
 */
#include "casefile.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where in which file, for messages; and the case that lines are added to. */
struct reader {
    const char *path;
    int line;
    struct wire_case *cases;
    size_t count;
    size_t room;
    struct wire_case *current; /* NULL before the first name */
};

static _Noreturn void stop(const struct reader *reader, const char *message, const char *text)
{
    fprintf(stderr, "%s:%d: %s: %s\n", reader->path, reader->line, message, text);
    exit(EXIT_FAILURE);
}

/* --- escapes --- */

static void unescape(const struct reader *reader, const char *text, size_t length,
                     struct bytes *out);

/* \{N*text}: returns what follows the closing brace. */
static const char *repeat(const struct reader *reader, const char *text, struct bytes *out)
{
    char *star;
    unsigned long times = strtoul(text, &star, 10);
    const char *end = strchr(text, '}');

    if (*star != '*' || end == NULL)
        stop(reader, "expected \\{N*text}", text);
    while (times-- > 0)
        unescape(reader, star + 1, (size_t)(end - star - 1), out);
    return end + 1;
}

static char hex_byte(const struct reader *reader, const char *digits)
{
    char pair[3] = {digits[0], digits[0] ? digits[1] : '\0', '\0'};
    char *end;
    unsigned long value = strtoul(pair, &end, 16);

    if (end != pair + 2)
        stop(reader, "expected two hexadecimal digits", digits);
    return (char)value;
}

/* One escape behind the backslash; returns what follows it. */
static const char *unescape_one(const struct reader *reader, const char *at, struct bytes *out)
{
    static const char names[] = "rnt\\", values[] = "\r\n\t\\";
    const char *name = *at ? strchr(names, *at) : NULL;
    char byte;

    if (*at == '{')
        return repeat(reader, at + 1, out);
    if (*at == 'x') {
        byte = hex_byte(reader, at + 1);
        bytes_add(out, &byte, 1);
        return at + 3;
    }
    if (name == NULL)
        stop(reader, "unknown escape", at);
    bytes_add(out, &values[name - names], 1);
    return at + 1;
}

static void unescape(const struct reader *reader, const char *text, size_t length,
                     struct bytes *out)
{
    const char *at = text;

    while (at < text + length) {
        if (*at == '\\') {
            at = unescape_one(reader, at + 1, out);
            continue;
        }
        bytes_add(out, at, 1);
        at++;
    }
}

/* --- keys --- */

static void copy_text(const struct reader *reader, char *to, size_t size, const char *value)
{
    if (strlen(value) >= size)
        stop(reader, "too long", value);
    memcpy(to, value, strlen(value) + 1);
}

static void start_case(struct reader *reader, const char *value)
{
    const char *slash = strrchr(reader->path, '/');

    if (reader->count == reader->room) {
        reader->room += 64;
        reader->cases = realloc(reader->cases, reader->room * sizeof(*reader->cases));
        if (reader->cases == NULL)
            stop(reader, "out of memory", value);
    }
    reader->current = &reader->cases[reader->count++];
    memset(reader->current, 0, sizeof(*reader->current));
    copy_text(reader, reader->current->name, sizeof(reader->current->name), value);
    copy_text(reader, reader->current->file, sizeof(reader->current->file),
              slash ? slash + 1 : reader->path);
}

static void on_why(struct reader *reader, const char *value)
{
    copy_text(reader, reader->current->why, sizeof(reader->current->why), value);
}

static void on_send(struct reader *reader, const char *value)
{
    unescape(reader, value, strlen(value), &reader->current->request);
}

static void on_body(struct reader *reader, const char *value)
{
    reader->current->has_body = true;
    unescape(reader, value, strlen(value), &reader->current->body);
}

/* One word of `want`: [?][HEAD:]NNN[|NNN…] */
static void read_want(const struct reader *reader, const char *word, struct want *want)
{
    size_t count = 0;

    *want = (struct want){.is_optional = *word == '?'};
    word += want->is_optional;
    want->answers_head = strncmp(word, "HEAD:", 5) == 0;
    word += want->answers_head ? 5 : 0;
    for (;;) {
        char *end;
        unsigned long status = strtoul(word, &end, 10);

        if (status < 100 || status > 599 || count == MAX_STATUSES)
            stop(reader, "expected a status", word);
        want->statuses[count++] = (int)status;
        if (*end == '\0')
            return;
        if (*end != '|')
            stop(reader, "expected | between statuses", word);
        word = end + 1;
    }
}

static void on_want(struct reader *reader, const char *value)
{
    struct wire_case *current = reader->current;
    char words[256];
    char *rest = words;
    const char *word;

    copy_text(reader, words, sizeof(words), value);
    while ((word = strsep(&rest, " ")) != NULL) {
        if (strcmp(word, "-") == 0)
            continue;
        if (current->want_count == MAX_WANTS)
            stop(reader, "too many responses", value);
        read_want(reader, word, &current->wants[current->want_count++]);
    }
}

static void on_then(struct reader *reader, const char *value)
{
    static const char *const names[] = {
        [AFTER_ANY] = "any", [AFTER_KEEP] = "keep", [AFTER_CLOSE] = "close"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(value, names[i]) == 0) {
            reader->current->after = (enum after)i;
            return;
        }
    stop(reader, "expected keep, close or any", value);
}

static void on_field(struct reader *reader, const char *value)
{
    struct wire_case *current = reader->current;

    if (current->field_count == MAX_FIELDS)
        stop(reader, "too many fields", value);
    copy_text(reader, current->fields[current->field_count++], sizeof(current->fields[0]), value);
}

static void on_absent(struct reader *reader, const char *value)
{
    copy_text(reader, reader->current->absent, sizeof(reader->current->absent), value);
}

static void on_half(struct reader *reader, const char *value)
{
    if (strcmp(value, "close") != 0)
        stop(reader, "expected close", value);
    reader->current->half_close = true;
}

static const struct key {
    const char *name;
    void (*take)(struct reader *reader, const char *value);
} keys[] = {
    {"name", start_case}, {"why", on_why},       {"send", on_send},
    {"want", on_want},    {"then", on_then},     {"body", on_body},
    {"field", on_field},  {"absent", on_absent}, {"half", on_half},
};

static void read_line(struct reader *reader, char *line)
{
    char *value;

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return;
    value = strstr(line, ": ");
    if (value == NULL)
        stop(reader, "expected `key: value`", line);
    *value = '\0';
    value += 2;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(line, keys[i].name) == 0) {
            if (reader->current == NULL && keys[i].take != start_case)
                stop(reader, "a case starts with its name", line);
            keys[i].take(reader, value);
            return;
        }
    stop(reader, "unknown key", line);
}

/* A block that sends nothing or wants nothing at all would pass whatever the server does. */
static void check_case(const struct reader *reader, const struct wire_case *one)
{
    if (one->request.length == 0)
        stop(reader, "sends nothing", one->name);
    if (one->want_count == 0 && one->after == AFTER_ANY)
        stop(reader, "wants nothing", one->name);
    if (one->why[0] == '\0')
        stop(reader, "does not say why", one->name);
}

static void read_file(struct reader *reader, const char *path)
{
    size_t first = reader->count;
    char line[2048];
    FILE *file = fopen(path, "re");

    reader->path = path;
    reader->line = 0;
    reader->current = NULL;
    if (file == NULL)
        stop(reader, "cannot open", path);
    while (fgets(line, sizeof(line), file) != NULL) {
        reader->line++;
        if (strchr(line, '\n') == NULL)
            stop(reader, "line too long, or without its end", line);
        read_line(reader, line);
    }
    fclose(file);
    for (size_t i = first; i < reader->count; i++)
        check_case(reader, &reader->cases[i]);
}

size_t casefile_read_all(const char *folder, struct wire_case **cases)
{
    struct reader reader = {0};
    char pattern[512];
    glob_t found;

    snprintf(pattern, sizeof(pattern), "%s/*.case", folder);
    reader.path = folder;
    if (glob(pattern, 0, NULL, &found) != 0)
        stop(&reader, "no case files", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_file(&reader, found.gl_pathv[i]);
    globfree(&found);
    *cases = reader.cases;
    return reader.count;
}

bool want_accepts(const struct want *want, int status)
{
    for (size_t i = 0; i < MAX_STATUSES && want->statuses[i] != 0; i++)
        if (want->statuses[i] == status)
            return true;
    return false;
}
