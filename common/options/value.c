/*
 * value.c — one reader for each kind of value; each knows what it wants to see instead, and says so.
 */
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../grammar.h"
#include "../listener.h"
#include "../quantity.h"

static void *field_of(const struct reader *r, const struct row *row)
{
    return (char *)r->o + row->at;
}

static void store(const struct reader *r, const struct row *row, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    bool truth = value != 0;
    const void *from = row->width == sizeof value    ? (const void *)&value
                       : row->width == sizeof narrow ? (const void *)&narrow
                                                     : (const void *)&truth;
    memcpy(field_of(r, row), from, row->width);
}

static bool parse_quantity(enum kind kind, const char *text, uint64_t *value)
{
    int64_t ms;
    if (kind == NUMBER)
        return parse_number(text, UINT64_MAX, value);
    if (kind == SIZE)
        return parse_size(text, value);
    if (!parse_duration(text, &ms))
        return false;
    *value = (uint64_t)ms;
    return true;
}

static bool read_quantity(struct reader *r, const struct row *row, const char *place,
                          const char *text)
{
    static const char *const nouns[] = {
        [NUMBER] = "number", [SIZE] = "size", [DURATION] = "duration"};
    static const char *const samples[] = {
        [NUMBER] = "", [SIZE] = ", such as 512 or 16k", [DURATION] = ", such as 500ms, 5s or 2m"};
    uint64_t value, low = 0, high = 0;
    parse_quantity(row->kind, row->low, &low);
    parse_quantity(row->kind, row->high, &high);
    if (!parse_quantity(row->kind, text, &value) || value < low || value > high)
        return complain(r, place, "\"%.200s\" is not a %s from %s to %s%s", text, nouns[row->kind],
                        row->low, row->high, samples[row->kind]);
    store(r, row, value);
    return true;
}

static bool read_word(struct reader *r, const struct row *row, const char *place, const char *text)
{
    uint64_t index = 0;
    for (const char *word = row->low;; index++) {
        size_t length = strcspn(word, "|");
        if (strlen(text) == length && strncmp(word, text, length) == 0)
            break;
        if (!word[length])
            return complain(r, place, "\"%.200s\" is not one of %s", text, row->low);
        word += length + 1;
    }
    store(r, row, index);
    return true;
}

static bool read_text(struct reader *r, const struct row *row, const char *place, const char *text)
{
    if (!*text)
        return complain(r, place, "is empty: name a file, or write - for stdout, or off");
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

/* What will stand in a field of each answer must be fit for it. */
static bool read_field_value(struct reader *r, const struct row *row, const char *place,
                             const char *text)
{
    const char *at = text;
    while (is_text_char((unsigned char)*at))
        at++;
    if (!*text || *at)
        return complain(r, place, "\"%.200s\" is no value of a field: write one line of text",
                        text);
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_document(struct reader *r, const struct row *row, const char *place,
                          const char *text)
{
    while (*text == '/') /* it is below the root in any case */
        text++;
    if (!*text)
        return complain(r, place, "names no file: write its path below --root, such as 404.html");
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_folder(struct reader *r, const struct row *row, const char *place,
                        const char *text)
{
    struct stat st = {.st_mode = S_IFDIR};
    if (!r->is_again && stat(text, &st) != 0)
        return complain(r, place, "\"%.200s\": %s: name a folder that exists", text,
                        strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return complain(r, place, "\"%.200s\" is no folder: name the folder that holds the files",
                        text);
    bool is_root = geteuid() == 0; /* then workers are others, whom sandbox.c lets in */
    if (!r->is_again && !is_root && faccessat(AT_FDCWD, text, X_OK, AT_EACCESS) != 0)
        return complain(r, place, "\"%.200s\": %s: let the user who starts the server enter it",
                        text, strerror(errno));
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_descriptor(struct reader *r, const struct row *row, const char *place,
                            const char *text)
{
    uint64_t fd;
    if (!parse_number(text, INT_MAX, &fd) || (!r->is_again && fcntl((int)fd, F_GETFD) < 0))
        return complain(r, place,
                        "\"%.200s\" is no open descriptor: open one, as in --ready-fd 3 3>file",
                        text);
    store(r, row, fd);
    return true;
}

static bool is_address(struct reader *r, const char *place, const char *text)
{
    char why[512];
    return listener_check(text, why, sizeof why) || complain(r, place, "%s", why);
}

static bool read_admin(struct reader *r, const struct row *row, const char *place, const char *text)
{
    if (!is_address(r, place, text))
        return false;
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool add_text(struct reader *r, const struct row *row, const char *place, const char *text,
                     const char *noun)
{
    struct texts *texts = field_of(r, row);
    if (texts->count == LIMIT_TEXTS)
        return complain(r, place, "more than %d %s: leave some out", LIMIT_TEXTS, noun);
    texts->all[texts->count++] = text;
    return true;
}

static bool read_address(struct reader *r, const struct row *row, const char *place,
                         const char *text)
{
    const struct texts *texts = field_of(r, row);
    if (texts->count == LIMIT_LISTENERS)
        return complain(r, place, "more than %d addresses: leave some out", LIMIT_LISTENERS);
    return is_address(r, place, text) && add_text(r, row, place, text, "addresses");
}

/* What is in the file, its loader will say. */
static bool read_module(struct reader *r, const struct row *row, const char *place,
                        const char *text)
{
    if (!*text || *text == '=')
        return complain(r, place, "\"%.200s\" names no file: write FILE.so or FILE.so=ARGUMENT",
                        text);
    return add_text(r, row, place, text, "modules");
}

/* Likewise. */
static bool read_files(struct reader *r, const struct row *row, const char *place, const char *text)
{
    if (!*text)
        return complain(r, place, "is empty: name a file");
    if (row->kind == FILES)
        return add_text(r, row, place, text, "files");
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_proxy(struct reader *r, const struct row *row, const char *place, const char *text)
{
    char why[512];
    return trust_add(&r->o->trust, text, why, sizeof why) ? add_text(r, row, place, text, "proxies")
                                                          : complain(r, place, "%s", why);
}

/* "5/10s", or "off". */
static bool read_quarantine(struct reader *r, const char *place, const char *text)
{
    char count[16] = "";
    uint64_t deaths = 0;
    int64_t ms = 0;
    const char *slash = strchr(text, '/');
    if (strcmp(text, "off") == 0) {
        r->o->quarantine = (struct quarantine_rule){0};
        return true;
    }
    if (slash && slash - text < (long)sizeof count)
        memcpy(count, text, (size_t)(slash - text));
    if (!parse_number(count, QUARANTINE_DEATHS, &deaths) || deaths == 0 ||
        !parse_duration(slash + 1, &ms) || ms == 0 || ms > 24 * 3600 * 1000)
        return complain(r, place,
                        "\"%.200s\" is no rate: write DEATHS/TIME, such as 5/10s (1 to 1000 in 1ms"
                        " to 24h), or off",
                        text);
    r->o->quarantine = (struct quarantine_rule){.deaths = (unsigned)deaths, .within = ms};
    return true;
}

static bool read_user(struct reader *r, const struct row *row, const char *place, const char *text)
{
    uint64_t number;
    if (!parse_number(text, UINT32_MAX - 1, &number) && !getpwnam(text))
        return complain(r, place, "\"%.200s\" is no user of this system: see /etc/passwd", text);
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

/* Given as a flag, a switch has none. */
static bool read_switch(struct reader *r, const struct row *row, const char *place,
                        const char *text)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            store(r, row, i & 1);
            return true;
        }
    }
    return complain(r, place, "\"%.200s\" is neither on nor off", text);
}

bool read_value(struct reader *r, const struct row *row, const char *place, const char *text)
{
    switch (row->kind) {
    case NUMBER:
    case SIZE:
    case DURATION:
        return read_quantity(r, row, place, text);
    case WORD:
        return read_word(r, row, place, text);
    case TEXT:
        return read_text(r, row, place, text);
    case VALUE:
        return read_field_value(r, row, place, text);
    case DOCUMENT:
        return read_document(r, row, place, text);
    case FOLDER:
        return read_folder(r, row, place, text);
    case DESCRIPTOR:
        return read_descriptor(r, row, place, text);
    case ADDRESS:
        return read_address(r, row, place, text);
    case ADMIN:
        return read_admin(r, row, place, text);
    case MODULE:
        return read_module(r, row, place, text);
    case FILES:
    case FILE_NAME:
        return read_files(r, row, place, text);
    case PROXY:
        return read_proxy(r, row, place, text);
    case RATE:
        return read_quarantine(r, place, text);
    case USER:
        return read_user(r, row, place, text);
    case SWITCH:
        return read_switch(r, row, place, text);
    case QUESTION:
        break;
    }
    return false;
}

bool take_value(struct reader *r, const struct row *row, enum source source, const char *place,
                const char *text)
{
    struct found *f = found_of(r, row);
    const char *kept = keep(r, place);
    f->source = source;
    if (!kept || !read_value(r, row, place, text)) {
        f->is_bad = true;
        return false;
    }
    size_t at = is_list(row) ? f->count : 0;
    f->texts[at] = text;
    f->places[at] = kept;
    f->count = at + 1;
    return true;
}

void drop_values(struct reader *r, const struct row *row)
{
    memset(field_of(r, row), 0, row->width);
    if (row->kind == PROXY) /* it is kept twice */
        r->o->trust = (struct trust){0};
    *found_of(r, row) = (struct found){0};
}

unsigned long long stored_value(const struct reader *r, const struct row *row)
{
    uint64_t value = 0;
    uint32_t narrow = 0;
    bool truth = false;
    void *to = row->width == sizeof value    ? (void *)&value
               : row->width == sizeof narrow ? (void *)&narrow
                                             : (void *)&truth;
    memcpy(to, field_of(r, row), row->width);
    return value + narrow + truth;
}

bool belongs_here(struct reader *r, const struct row *row, const char *place, enum source source)
{
    if (!(row->traits & OF_PROC) || r->with_isolation)
        return true;
    if (source == BY_FILE)
        return complain(r, place, "belongs to server-proc: put it below [server-proc]");
    return complain(r, place, "belongs to server-proc: leave it out here, or start server-proc");
}
