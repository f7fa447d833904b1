/*
 * media_type.c — three sorted tables of rows, one search.
 *
 * The file is read twice in memory: once to count, once to fill a piece of memory that is then exactly
 * large enough: rows, and behind them their strings. Nothing is freed but the whole.
 */
#include "media_type.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar.h"

#define CHARSET "; charset=utf-8"
#define TEXT(type) type CHARSET

struct row {
    const char *extension, *type;
};

/* clang-format off */

/* A wrong type breaks the page, whatever a system says: scripts, style sheets and WebAssembly are not
 * run (WHATWG HTML and its "nosniff"), fonts and pictures not shown, pages offered for download. Systems
 * have said application/javascript, application/x-javascript or nothing at all for these. */
static const struct row insisted[] = { /* sorted, for bsearch */
    {"avif", "image/avif"},
    {"css", TEXT("text/css")},
    {"htm", TEXT("text/html")},
    {"html", TEXT("text/html")},
    {"js", TEXT("text/javascript")},
    {"json", "application/json"},
    {"mjs", TEXT("text/javascript")},
    {"svg", "image/svg+xml"},
    {"wasm", "application/wasm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
};

static const struct row usual[] = { /* sorted, for bsearch */
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"csv", TEXT("text/csv")},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"log", TEXT("text/plain")},
    {"map", "application/json"},
    {"md", TEXT("text/markdown")},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"ogg", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"tar", "application/x-tar"},
    {"ttf", "font/ttf"},
    {"txt", TEXT("text/plain")},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"xml", TEXT("text/xml")},
    {"xz", "application/x-xz"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

/* clang-format on */

struct media_types {
    size_t count;
    struct row rows[]; /* sorted by extension; their strings lie behind the last */
};

/* --- reading the lines --- */

struct text {
    const char *at, *end;
};

static size_t length_of(struct text text)
{
    return (size_t)(text.end - text.at);
}

/* Types and extensions are the same in either case; once folded they are compared as bytes. */
static void put_lower(char *to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] | 0x20) : from[i];
}

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r';
}

/* False: the line is over, or its comment begins. */
static bool next_word(struct text *line, struct text *word)
{
    while (line->at < line->end && is_space(*line->at))
        line->at++;
    if (line->at == line->end || *line->at == '#')
        return false;
    word->at = line->at;
    while (line->at < line->end && !is_space(*line->at))
        line->at++;
    word->end = line->at;
    return true;
}

static bool is_token(struct text text)
{
    const char *at = text.at;
    while (at < text.end && is_token_char((unsigned char)*at))
        at++;
    return at == text.end && at > text.at;
}

static bool is_media_type(struct text word)
{
    const char *slash = memchr(word.at, '/', length_of(word));
    return slash && is_token((struct text){word.at, slash}) &&
           is_token((struct text){slash + 1, word.end}) &&
           length_of(word) + sizeof CHARSET <= MEDIA_TYPE_SIZE;
}

/* Reads the type and leaves the extensions in the line; false when a word is out of place. */
static bool read_line(struct text *line, struct text *type)
{
    struct text rest, word;
    if (!next_word(line, type) || !is_media_type(*type))
        return false;
    rest = *line;
    while (next_word(&rest, &word))
        if (!is_token(word))
            return false;
    return true;
}

/* --- the table --- */

/* Where rows and strings go; with `rows` NULL they are only counted. */
struct filler {
    struct row *rows;
    char *strings;
    size_t row_count, string_bytes;
};

static const char *put_string(struct filler *f, struct text text, const char *suffix)
{
    size_t length = length_of(text), suffix_size = strlen(suffix) + 1;
    char *to = f->rows ? f->strings + f->string_bytes : NULL;
    f->string_bytes += length + suffix_size;
    if (to) {
        memcpy(to, text.at, length);
        memcpy(to + length, suffix, suffix_size);
    }
    return to;
}

static bool is_textual(struct text type)
{
    return length_of(type) > 5 && strncasecmp(type.at, "text/", 5) == 0;
}

static void put_line(struct filler *f, struct text line)
{
    struct text type, extension;
    const char *type_string = NULL;
    bool has_rows = false;
    if (!read_line(&line, &type))
        return;
    while (next_word(&line, &extension)) {
        if (!has_rows)
            type_string = put_string(f, type, is_textual(type) ? CHARSET : "");
        has_rows = true;
        const char *string = put_string(f, extension, "");
        if (f->rows)
            f->rows[f->row_count] = (struct row){string, type_string};
        f->row_count++;
    }
}

static void put_lines(struct filler *f, struct text file)
{
    while (file.at < file.end) {
        const char *newline = memchr(file.at, '\n', length_of(file));
        const char *line_end = newline ? newline : file.end;
        put_line(f, (struct text){file.at, line_end});
        file.at = newline ? newline + 1 : file.end;
    }
}

/* By extension, then as they stood in the file: strings lie in that order. */
static int compare_rows(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    int order = strcmp(left->extension, right->extension);
    if (order != 0)
        return order;
    return left->extension < right->extension ? -1 : left->extension > right->extension;
}

/* Of rows with one extension the last stays. */
static void drop_repeated(struct media_types *types)
{
    size_t kept = 0;
    for (size_t i = 0; i < types->count; i++)
        if (i + 1 == types->count ||
            strcmp(types->rows[i].extension, types->rows[i + 1].extension) != 0)
            types->rows[kept++] = types->rows[i];
    types->count = kept;
}

struct media_types *media_types_parse(char *bytes, size_t length)
{
    struct filler f = {0};
    put_lower(bytes, bytes, length);
    struct text file = {bytes, bytes + length};
    put_lines(&f, file);
    if (f.row_count == 0)
        return NULL;
    size_t fixed = sizeof(struct media_types) + f.row_count * sizeof(struct row);
    struct media_types *types = malloc(fixed + f.string_bytes);
    if (!types)
        return NULL;
    f = (struct filler){.rows = types->rows, .strings = (char *)types + fixed};
    put_lines(&f, file);
    types->count = f.row_count;
    qsort(types->rows, types->count, sizeof types->rows[0], compare_rows);
    drop_repeated(types);
    return types;
}

void media_types_close(struct media_types *types)
{
    free(types);
}

/* --- looking up --- */

enum { EXTENSION_SIZE = 64 }; /* with its NUL; nobody's is longer */

static int compare_extension(const void *key, const void *row)
{
    return strcmp(key, ((const struct row *)row)->extension);
}

static const char *find(const struct row *rows, size_t count, const char *extension)
{
    const struct row *row = bsearch(extension, rows, count, sizeof *rows, compare_extension);
    return row ? row->type : NULL;
}

const char *media_type_of(const struct media_types *types, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    const char *type = NULL;
    char extension[EXTENSION_SIZE];
    size_t size = dot ? strlen(dot + 1) + 1 : 0;
    if (size > 0 && size <= sizeof extension) {
        put_lower(extension, dot + 1, size);
        type = find(insisted, sizeof insisted / sizeof insisted[0], extension);
        if (!type && types)
            type = find(types->rows, types->count, extension);
        if (!type)
            type = find(usual, sizeof usual / sizeof usual[0], extension);
    }
    return type ? type : "application/octet-stream";
}
