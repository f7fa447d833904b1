/*
 * options.c — one table of rows drives everything: flags, environment, defaults, checks and --help.
 *
 * Flags are read first, then the environment for what no flag named, then the defaults for what is
 * left; so a flag wins even over a variable that could not be read. All three go through the same
 * reader, which knows where a value came from and says so when it is bad.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpus.h"
#include "grammar.h"
#include "listener.h"
#include "quantity.h"

enum kind {
    NUMBER,
    SIZE,
    DURATION,
    WORD,
    TEXT,
    VALUE,
    DOCUMENT,
    FOLDER,
    DESCRIPTOR,
    ADDRESS,
    ADMIN,
    MODULE,
    FILES,
    FILE_NAME,
    PROXY,
    RATE,
    USER,
    SWITCH,
    QUESTION
};

struct row {
    const char *name;
    enum kind kind;
    const char *standard; /* the default, as typed; NULL: computed, or none */
    size_t at, width;     /* of the field in struct options */
    const char *low;      /* the range, as typed; WORD: the words, in the order of the enum */
    const char *high;
    const char *help;
};

#define FIELD(name) offsetof(struct options, name), sizeof(((struct options *)0)->name)
#define NO_FIELD 0, 0
#define NO_RANGE NULL, NULL

_Static_assert(LIMIT_WORKERS == 1024, "the table and --help say so");
_Static_assert(LIMIT_SPARES == 256, "the table and --help say so");

/* clang-format off */
static const struct row rows[] = {
    {"listen", ADDRESS, "127.0.0.1:8080", FIELD(listen), NO_RANGE, "or unix:/path; repeatable"},
    {"tls-listen", ADDRESS, NULL, FIELD(tls_listen), NO_RANGE, "the same for https; repeatable"},
    {"tls-cert", FILES, NULL, FIELD(tls_certs), NO_RANGE, "PEM, chain behind it; repeatable, by name"},
    {"tls-key", FILES, NULL, FIELD(tls_keys), NO_RANGE, "PEM; one for each --tls-cert"},
    {"tls-self-signed", SWITCH, NULL, FIELD(tls_self_signed), NO_RANGE, "a certificate for this machine, in memory"},
    {"tls-ocsp", FILES, NULL, FIELD(tls_ocsp), NO_RANGE, "DER, to be stapled; repeatable"},
    {"tls-client-ca", FILE_NAME, NULL, FIELD(tls_client_ca), NO_RANGE, "PEM: ask clients for a certificate"},
    {"tls-client-required", SWITCH, NULL, FIELD(tls_client_required), NO_RANGE, "refuse clients that have none"},
    {"tls-min", WORD, "1.2", FIELD(tls_only_13), "1.2|1.3", NULL, "oldest version of TLS"},
    {"tls-gates", NUMBER, NULL, FIELD(tls_gates), "1", "64", "TLS processes [1 per CPU] (server-proc)"},
    {"tls-ticket-time", DURATION, LIMIT_TICKET_TIME, FIELD(tls_ticket_time), "1s", "168h", "sessions resume, from a whole handshake"},
    {"tls-handshake-timeout", DURATION, LIMIT_SHAKE_TIME, FIELD(tls_handshake_timeout), "1ms", "24h", "for a TLS handshake"},
    {"hsts", VALUE, NULL, FIELD(hsts), NO_RANGE, "https: value of Strict-Transport-Security"},
    {"trusted-proxy", PROXY, NULL, FIELD(trusted_proxies), NO_RANGE, "or ADDR, unix: tells who asks; repeatable"},
    {"proxy-protocol", SWITCH, NULL, FIELD(proxy_protocol), NO_RANGE, "--trusted-proxy sends PROXY v2 (or v1) first"},
    {"admin", ADMIN, NULL, FIELD(admin), NO_RANGE, "where /metrics /healthz /readyz are"},
    {"root", FOLDER, NULL, FIELD(root), NO_RANGE, "folder of the files to serve"},
    {"module", MODULE, NULL, FIELD(modules), NO_RANGE, "handlers of yours; repeatable"},
    {"workers", NUMBER, NULL, FIELD(workers), "1", "1024", "[4 per CPU, at least 8]"},
    {"max-connections", NUMBER, LIMIT_CONNECTIONS, FIELD(max_connections), "1", "1000000", "more get 503"},
    {"max-requests", NUMBER, LIMIT_REQUESTS, FIELD(max_requests), "0", "1000000000000", "then a worker is replaced; 0: never"},
    {"isolation", WORD, "pool", FIELD(isolation), "pool|fresh", NULL, "(server-proc)"},
    {"spare", NUMBER, NULL, FIELD(spares), "1", "256", "fresh: kept ready [2 per CPU] (server-proc)"},
    {"header-timeout", DURATION, LIMIT_HEADER_TIME, FIELD(header_timeout), "1ms", "24h", "for a whole head"},
    {"body-timeout", DURATION, LIMIT_BODY_TIME, FIELD(body_timeout), "1ms", "24h", "for a body; what arrives earns more"},
    {"body-rate", SIZE, LIMIT_BODY_RATE, FIELD(body_rate), "1", "1g", "so much earns 1s more"},
    {"body-total-timeout", DURATION, LIMIT_BODY_TOTAL, FIELD(body_total_timeout), "1ms", "24h", "at whatever rate"},
    {"idle-timeout", DURATION, LIMIT_IDLE_TIME, FIELD(idle_timeout), "1ms", "24h", "between requests"},
    {"write-timeout", DURATION, LIMIT_WRITE_TIME, FIELD(write_timeout), "1ms", "24h", "client takes nothing"},
    {"request-timeout", DURATION, LIMIT_REQUEST_TIME, FIELD(request_timeout), "1ms", "24h", "for the handler"},
    {"drain-timeout", DURATION, LIMIT_DRAIN_TIME, FIELD(drain_timeout), "1ms", "24h", "from SIGTERM to the end"},
    {"drain-delay", DURATION, "0s", FIELD(drain_delay), "0s", "24h", "served on, while /readyz says 503 already"},
    {"worker-cpu", DURATION, NULL, FIELD(worker_cpu), "1ms", "24h", "CPU time for one request, else 503"},
    {"worker-memory", SIZE, NULL, FIELD(worker_memory), "1m", "1024g", "that a worker may add to its own"},
    {"quarantine", RATE, "off", FIELD(quarantine), NO_RANGE, "deaths/time that put a route aside"},
    {"user", USER, NULL, FIELD(user), NO_RANGE, "started by root, workers run as [nobody]"},
    {"sandbox", WORD, "on", FIELD(sandbox), "off|on", NULL, "workers can do what serving needs"},
    {"max-header", SIZE, LIMIT_HEADER, FIELD(max_header), "256", "64k", "request line and headers"},
    {"max-headers", NUMBER, LIMIT_HEADERS, FIELD(max_headers), "1", "1000", "header lines"},
    {"max-uri", SIZE, LIMIT_URI, FIELD(max_uri), "16", "64k", "request target"},
    {"max-body", SIZE, LIMIT_BODY, FIELD(max_body), "0", "1024g", "of one request"},
    {"max-spool", SIZE, LIMIT_SPOOL, FIELD(max_spool), "0", "1024g", "all waiting bodies together"},
    {"media-types", FILE_NAME, "/etc/mime.types", FIELD(media_types), NO_RANGE, "types of files by extension"},
    {"listing", SWITCH, NULL, FIELD(listing), NO_RANGE, "a folder without index.html shows its files"},
    {"not-found", DOCUMENT, NULL, FIELD(not_found), NO_RANGE, "page below --root to send with 404"},
    {"cache-control", VALUE, NULL, FIELD(cache_control), NO_RANGE, "sent with files, such as max-age=60"},
    {"hide-server", SWITCH, NULL, FIELD(hide_server), NO_RANGE, "send no Server field"},
    {"access-log", TEXT, "-", FIELD(access_log), NO_RANGE, "- is stdout"},
    {"log-format", WORD, "combined", FIELD(log_format), "combined|json", NULL, "of the access log"},
    {"log-level", WORD, "info", FIELD(log_level), "error|warn|info|debug", NULL, ""},
    {"enable-demo", SWITCH, NULL, FIELD(enable_demo), NO_RANGE, "serve /echo, /work and /counter"},
    {"enable-faults", SWITCH, NULL, FIELD(enable_faults), NO_RANGE, "serve /fault/KIND: it crashes on request"},
    {"config", FILE_NAME, NULL, FIELD(config), NO_RANGE, "NAME = VALUE lines; flags and environment win"},
    {"one", SWITCH, NULL, FIELD(one), NO_RANGE, "serve in this process, for a debugger"},
    {"check", SWITCH, NULL, FIELD(check), NO_RANGE, "read everything, start nothing"},
    {"ready-fd", DESCRIPTOR, NULL, FIELD(ready_fd), NO_RANGE, "gets \"ready ADDR:PORT\" in the end"},
    {"print-config", SWITCH, NULL, FIELD(print_config), NO_RANGE, "what all of this comes to, as such a file"},
    {"health", SWITCH, NULL, FIELD(health), NO_RANGE, "ask the server with these options how it is"},
    {"version", QUESTION, NULL, NO_FIELD, NO_RANGE, "print it and stop"},
    {"help", QUESTION, NULL, NO_FIELD, NO_RANGE, "print this and stop"},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof rows[0], NAME_ROOM = 64 };

struct reader {
    struct options *o;
    const char *program;
    bool with_isolation;
    bool is_again; /* what is there was looked up the first time, and may be gone by now */
    bool seen[ROWS];
};

/* Says what is wrong on stderr, in one line whatever the user typed; always false. */
__attribute__((format(printf, 3, 4))) static bool
complain(const struct reader *r, const char *where, const char *format, ...)
{
    char line[1024];
    snprintf(line, sizeof line, "%s: %.200s: ", r->program, where);
    size_t at = strlen(line);
    va_list ap;
    va_start(ap, format);
    vsnprintf(line + at, sizeof line - at, format, ap);
    va_end(ap);
    for (char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    fprintf(stderr, "%s\n", line);
    return false;
}

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

static bool read_quantity(struct reader *r, const struct row *row, const char *where,
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
        return complain(r, where, "\"%.200s\" is not a %s from %s to %s%s", text, nouns[row->kind],
                        row->low, row->high, samples[row->kind]);
    store(r, row, value);
    return true;
}

static bool read_word(struct reader *r, const struct row *row, const char *where, const char *text)
{
    uint64_t index = 0;
    for (const char *word = row->low;; index++) {
        size_t length = strcspn(word, "|");
        if (strlen(text) == length && strncmp(word, text, length) == 0)
            break;
        if (!word[length])
            return complain(r, where, "\"%.200s\" is not one of %s", text, row->low);
        word += length + 1;
    }
    store(r, row, index);
    return true;
}

static bool read_text(struct reader *r, const struct row *row, const char *where, const char *text)
{
    if (!*text)
        return complain(r, where, "is empty: name a file, or write - for stdout, or off");
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

/* What will stand in a field of each answer must be fit for it. */
static bool read_field_value(struct reader *r, const struct row *row, const char *where,
                             const char *text)
{
    const char *at = text;
    while (is_text_char((unsigned char)*at))
        at++;
    if (!*text || *at)
        return complain(r, where, "\"%.200s\" is no value of a field: write one line of text",
                        text);
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_document(struct reader *r, const struct row *row, const char *where,
                          const char *text)
{
    while (*text == '/') /* it is below the root in any case */
        text++;
    if (!*text)
        return complain(r, where, "names no file: write its path below --root, such as 404.html");
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_folder(struct reader *r, const struct row *row, const char *where,
                        const char *text)
{
    struct stat st = {.st_mode = S_IFDIR};
    if (!r->is_again && stat(text, &st) != 0)
        return complain(r, where, "\"%.200s\": %s: name a folder that exists", text,
                        strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return complain(r, where, "\"%.200s\" is no folder: name the folder that holds the files",
                        text);
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_descriptor(struct reader *r, const struct row *row, const char *where,
                            const char *text)
{
    uint64_t fd;
    if (!parse_number(text, INT_MAX, &fd) || (!r->is_again && fcntl((int)fd, F_GETFD) < 0))
        return complain(r, where,
                        "\"%.200s\" is no open descriptor: open one, as in --ready-fd 3 3>file",
                        text);
    store(r, row, fd);
    return true;
}

static bool is_address(const struct reader *r, const char *where, const char *text)
{
    char why[512];
    return listener_check(text, why, sizeof why) || complain(r, where, "%s", why);
}

static bool read_admin(struct reader *r, const struct row *row, const char *where, const char *text)
{
    if (!is_address(r, where, text))
        return false;
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool add_text(struct reader *r, const struct row *row, const char *where, const char *text,
                     const char *noun)
{
    struct texts *texts = field_of(r, row);
    if (texts->count == LIMIT_TEXTS)
        return complain(r, where, "more than %d %s: leave some out", LIMIT_TEXTS, noun);
    texts->all[texts->count++] = text;
    return true;
}

static bool read_address(struct reader *r, const struct row *row, const char *where,
                         const char *text)
{
    return is_address(r, where, text) && add_text(r, row, where, text, "addresses");
}

/* What is in the file, its loader will say. */
static bool read_module(struct reader *r, const struct row *row, const char *where,
                        const char *text)
{
    if (!*text || *text == '=')
        return complain(r, where, "\"%.200s\" names no file: write FILE.so or FILE.so=ARGUMENT",
                        text);
    return add_text(r, row, where, text, "modules");
}

/* Likewise. */
static bool read_files(struct reader *r, const struct row *row, const char *where, const char *text)
{
    if (!*text)
        return complain(r, where, "is empty: name a file");
    if (row->kind == FILES)
        return add_text(r, row, where, text, "files");
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

static bool read_proxy(struct reader *r, const struct row *row, const char *where, const char *text)
{
    char why[512];
    return trust_add(&r->o->trust, text, why, sizeof why) ? add_text(r, row, where, text, "proxies")
                                                          : complain(r, where, "%s", why);
}

/* "5/10s", or "off". */
static bool read_quarantine(struct reader *r, const char *where, const char *text)
{
    char count[16] = "";
    uint64_t deaths = 0;
    int64_t ms = 0;
    const char *slash = strchr(text, '/');
    if (strcmp(text, "off") == 0)
        return true;
    if (slash && slash - text < (long)sizeof count)
        memcpy(count, text, (size_t)(slash - text));
    if (!parse_number(count, QUARANTINE_DEATHS, &deaths) || deaths == 0 ||
        !parse_duration(slash + 1, &ms) || ms == 0 || ms > 24 * 3600 * 1000)
        return complain(r, where,
                        "\"%.200s\" is no rate: write DEATHS/TIME, such as 5/10s (1 to 1000 in 1ms"
                        " to 24h), or off",
                        text);
    r->o->quarantine = (struct quarantine_rule){.deaths = (unsigned)deaths, .within = ms};
    return true;
}

static bool read_user(struct reader *r, const struct row *row, const char *where, const char *text)
{
    uint64_t number;
    if (!parse_number(text, UINT32_MAX - 1, &number) && !getpwnam(text))
        return complain(r, where, "\"%.200s\" is no user of this system: see /etc/passwd", text);
    memcpy(field_of(r, row), &text, sizeof text);
    return true;
}

/* Only the environment gives a switch a value. */
static bool read_switch(struct reader *r, const struct row *row, const char *where,
                        const char *text)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            store(r, row, i & 1);
            return true;
        }
    }
    return complain(r, where, "\"%.200s\" is neither 1 nor 0", text);
}

static bool read_value(struct reader *r, const struct row *row, const char *where, const char *text)
{
    switch (row->kind) {
    case NUMBER:
    case SIZE:
    case DURATION:
        return read_quantity(r, row, where, text);
    case WORD:
        return read_word(r, row, where, text);
    case TEXT:
        return read_text(r, row, where, text);
    case VALUE:
        return read_field_value(r, row, where, text);
    case DOCUMENT:
        return read_document(r, row, where, text);
    case FOLDER:
        return read_folder(r, row, where, text);
    case DESCRIPTOR:
        return read_descriptor(r, row, where, text);
    case ADDRESS:
        return read_address(r, row, where, text);
    case ADMIN:
        return read_admin(r, row, where, text);
    case MODULE:
        return read_module(r, row, where, text);
    case FILES:
    case FILE_NAME:
        return read_files(r, row, where, text);
    case PROXY:
        return read_proxy(r, row, where, text);
    case RATE:
        return read_quarantine(r, where, text);
    case USER:
        return read_user(r, row, where, text);
    case SWITCH:
        return read_switch(r, row, where, text);
    case QUESTION:
        break;
    }
    return false;
}

/* A setting without effect would be a promise not kept, so the twin refuses it. */
static bool belongs_here(const struct reader *r, const struct row *row, const char *where)
{
    bool foreign = strcmp(row->name, "isolation") == 0 || strcmp(row->name, "spare") == 0 ||
                   strcmp(row->name, "tls-gates") == 0;
    if (!foreign || r->with_isolation)
        return true;
    return complain(r, where, "belongs to server-proc: leave it out here, or start server-proc");
}

/* What --help shows behind the name. */
static const char *placeholder(const struct row *row)
{
    static const char *const forms[] = {
        [NUMBER] = "N",        [SIZE] = "SIZE",         [DURATION] = "TIME",
        [WORD] = "",           [VALUE] = "VALUE",       [DOCUMENT] = "FILE",
        [FOLDER] = "DIR",      [DESCRIPTOR] = "FD",     [ADDRESS] = "ADDR:PORT",
        [ADMIN] = "ADDR:PORT", [MODULE] = "FILE[=ARG]", [RATE] = "N/TIME",
        [USER] = "NAME",       [TEXT] = "FILE|-|off",   [SWITCH] = "",
        [QUESTION] = "",       [FILES] = "FILE",        [FILE_NAME] = "FILE",
        [PROXY] = "ADDR/BITS"};
    return row->kind == WORD ? row->low : forms[row->kind];
}

static void print_help(const char *program)
{
    printf("Usage: %s [--NAME VALUE | --NAME=VALUE]...\n"
           "Each option is also read from the environment (--max-body: TANDEM_MAX_BODY).\n"
           "TIME is like 500ms, 5s, 2m; SIZE like 512, 64k, 16m; [defaults] in brackets.\n",
           program);
    for (const struct row *row = rows; row < rows + ROWS; row++) {
        char left[NAME_ROOM];
        snprintf(left, sizeof left, "%s %s", row->name, placeholder(row));
        printf("  --%-31s %s", left, row->help);
        if (row->standard)
            printf("%s[%s]", *row->help ? " " : "", row->standard);
        putchar('\n');
    }
}

static enum options_result answer(const struct reader *r, const struct row *question)
{
    if (strcmp(question->name, "help") == 0)
        print_help(r->program);
    else
        printf("%s %s\n", r->program, TANDEM_VERSION);
    fflush(stdout);
    return OPTIONS_DONE;
}

/* Single letters to add, drop or change on the way from `a` to `b` (Levenshtein). */
static size_t distance(const char *a, size_t a_len, const char *b)
{
    size_t cost[NAME_ROOM], b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++)
        cost[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = cost[0];
        cost[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = cost[j];
            if (cost[j] + 1 < best)
                best = cost[j] + 1;
            if (cost[j - 1] + 1 < best)
                best = cost[j - 1] + 1;
            cost[j] = best;
        }
    }
    return cost[b_len];
}

static bool complain_unknown(const struct reader *r, const char *argument, const char *name,
                             size_t length)
{
    const struct row *nearest = NULL;
    size_t least = 3; /* more than two letters off is no typo */
    for (const struct row *row = rows; row < rows + ROWS; row++) {
        size_t d = length >= NAME_ROOM ? least
                   : length > 2 && strncmp(row->name, name, length) == 0
                       ? 2
                       : distance(name, length, row->name);
        if (d < least) {
            least = d;
            nearest = row;
        }
    }
    if (nearest)
        return complain(r, argument, "no such option: did you mean --%s? see --help",
                        nearest->name);
    return complain(r, argument, "no such option: see --help");
}

static const struct row *find_row(const char *name, size_t length)
{
    for (const struct row *row = rows; row < rows + ROWS; row++)
        if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
            return row;
    return NULL;
}

/* A value on the command line: behind "=", or the next argument. No value of ours begins with "--",
 * so one that does is the next option, and the value was forgotten. */
static bool read_flag(struct reader *r, const struct row *row, const char *equals, char **argv,
                      int *at)
{
    char where[NAME_ROOM];
    snprintf(where, sizeof where, "--%s", row->name);
    if (!belongs_here(r, row, where))
        return false;
    r->seen[row - rows] = true;
    if (row->kind == SWITCH || row->kind == QUESTION) {
        if (equals)
            return complain(r, where, "takes no value: write it alone");
        if (row->kind == SWITCH)
            store(r, row, true);
        return true;
    }
    const char *value = equals ? equals + 1 : argv[*at + 1];
    if (!value || (!equals && strncmp(value, "--", 2) == 0))
        return complain(r, where, "needs a value: --%s %s; see --help", row->name,
                        placeholder(row));
    *at += !equals;
    return read_value(r, row, where, value);
}

static enum options_result read_flags(struct reader *r, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + 2;
        if (strncmp(argv[i], "--", 2) != 0 || !*name) {
            complain(r, argv[i], "stray argument: options begin with --; see --help");
            return OPTIONS_BAD;
        }
        size_t length = strcspn(name, "=");
        const struct row *row = find_row(name, length);
        if (!row) {
            complain_unknown(r, argv[i], name, length);
            return OPTIONS_BAD;
        }
        if (!read_flag(r, row, name[length] ? name + length : NULL, argv, &i))
            return OPTIONS_BAD;
        if (row->kind == QUESTION)
            return answer(r, row);
    }
    return OPTIONS_RUN;
}

/* Several values, separated by spaces. Copied to be cut up, since the environment itself must stay
 * whole for a program we may become; what is read points into the copy for as long as we run. */
static bool read_list(struct reader *r, const struct row *row, const char *where, const char *text)
{
    enum { ROOM = LIMIT_TEXTS * 128 };
    static char *copies[ROWS];
    char **copy = &copies[row - rows], *rest = NULL;
    if (strlen(text) > ROOM)
        return complain(r, where, "is longer than %d bytes: leave some out", ROOM);
    free(*copy);
    *copy = strdup(text);
    if (!*copy)
        return complain(r, where, "%s", strerror(errno));
    for (char *one = strtok_r(*copy, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        if (!read_value(r, row, where, one))
            return false;
    return true;
}

/* An empty variable is one that is not set: that is how a compose file leaves an option out. */
static bool read_environment(struct reader *r)
{
    for (const struct row *row = rows; row < rows + ROWS; row++) {
        if (r->seen[row - rows] || row->kind == QUESTION)
            continue;
        char name[NAME_ROOM];
        snprintf(name, sizeof name, "TANDEM_%s", row->name);
        for (char *c = name; *c; c++)
            *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        const char *text = getenv(name);
        if (!text || !*text)
            continue;
        r->seen[row - rows] = true;
        if (!belongs_here(r, row, name))
            return false;
        bool is_list =
            row->kind == ADDRESS || row->kind == MODULE || row->kind == FILES || row->kind == PROXY;
        if (!(is_list ? read_list : read_value)(r, row, name, text))
            return false;
    }
    return true;
}

/* `each` per CPU, but not less than `least`: a worker may wait for its handler, so there are more
 * workers than CPUs. */
static unsigned per_cpu(unsigned each, unsigned least, unsigned most)
{
    unsigned cpus = usable_cpus();
    unsigned count = cpus > most / each ? most : cpus * each;
    return count < least ? least : count;
}

/* Who serves https alone has not asked for a port without it. */
static bool is_needless(const struct reader *r, const struct row *row)
{
    return row == rows && r->o->tls_listen.count > 0;
}

static void set_defaults(struct reader *r)
{
    for (const struct row *row = rows; row < rows + ROWS; row++)
        if (row->standard && !r->seen[row - rows] && !is_needless(r, row))
            read_value(r, row, row->name, row->standard);
    struct options *o = r->o;
    if (o->workers == 0)
        o->workers = per_cpu(4, 8, LIMIT_WORKERS);
    if (o->spares == 0)
        o->spares = per_cpu(2, 4, LIMIT_SPARES);
    if (o->tls_gates == 0)
        o->tls_gates = per_cpu(1, 1, LIMIT_GATES);
    if (o->listen.count + o->tls_listen.count == 0) /* a variable of nothing but blanks */
        read_address(r, rows, rows->name, rows->standard);
}

/* What is said about files is a promise, too. */
static bool files_are_served(const struct reader *r)
{
    const struct options *o = r->o;
    const char *name = o->listing         ? "--listing"
                       : o->not_found     ? "--not-found"
                       : o->cache_control ? "--cache-control"
                                          : NULL;
    return o->root || !name || complain(r, name, "is about files, and none are served: add --root");
}

static bool is_seen(const struct reader *r, const char *name)
{
    return r->seen[find_row(name, strlen(name)) - rows];
}

/* Likewise about TLS. NULL: nothing is said. */
static const char *tls_setting(const struct reader *r)
{
    static const char *const names[] = {"--tls-cert",
                                        "--tls-key",
                                        "--tls-self-signed",
                                        "--tls-ocsp",
                                        "--tls-client-ca",
                                        "--tls-client-required",
                                        "--tls-min",
                                        "--tls-ticket-time",
                                        "--tls-gates",
                                        "--tls-handshake-timeout",
                                        "--hsts"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_seen(r, names[i] + 2))
            return names[i];
    return NULL;
}

static bool has_certificates(const struct reader *r)
{
    const struct options *o = r->o;
    if (o->tls_certs.count != o->tls_keys.count)
        return complain(r, o->tls_certs.count < o->tls_keys.count ? "--tls-key" : "--tls-cert",
                        "%zu certificates and %zu keys: give each --tls-cert its --tls-key, in the "
                        "same order",
                        o->tls_certs.count, o->tls_keys.count);
    return o->tls_certs.count > 0 || o->tls_self_signed ||
           complain(r, "--tls-listen",
                    "there is no certificate: add --tls-cert FILE --tls-key FILE, or "
                    "--tls-self-signed for use on this machine");
}

static bool tls_makes_sense(const struct reader *r)
{
    const struct options *o = r->o;
    const char *setting = tls_setting(r);
    if (o->listen.count + o->tls_listen.count > LIMIT_LISTENERS)
        return complain(r, "--tls-listen",
                        "more than %d addresses, with those of --listen: leave some out",
                        LIMIT_LISTENERS);
    if (o->tls_listen.count == 0)
        return !setting || complain(r, setting,
                                    "is about https, and none is spoken: add --tls-listen "
                                    "ADDR:PORT");
    if (o->tls_client_required && !o->tls_client_ca)
        return complain(r, "--tls-client-required",
                        "nobody could be believed: add --tls-client-ca FILE");
    return has_certificates(r);
}

/* Both count from the same signal. */
static bool drain_makes_sense(const struct reader *r)
{
    return r->o->drain_delay < r->o->drain_timeout ||
           complain(
               r, "--drain-delay",
               "is not shorter than --drain-timeout, which counts from the same signal: no time "
               "would be left to finish requests in; raise --drain-timeout");
}

static bool proxies_make_sense(const struct reader *r)
{
    const struct options *o = r->o;
    return !o->proxy_protocol || !trust_is_empty(&o->trust) ||
           complain(r, "--proxy-protocol",
                    "nobody is trusted to send it: add --trusted-proxy ADDR/BITS");
}

static enum options_result read_all(struct reader *r, int argc, char **argv)
{
    *r->o = (struct options){.ready_fd = -1, .argv = argv};
    enum options_result result = read_flags(r, argc, argv);
    if (result != OPTIONS_RUN)
        return result;
    if (!read_environment(r) || !files_are_served(r) || !tls_makes_sense(r) ||
        !proxies_make_sense(r))
        return OPTIONS_BAD;
    set_defaults(r);
    return drain_makes_sense(r) ? OPTIONS_RUN : OPTIONS_BAD;
}

enum options_result options_read(struct options *o, const char *program, bool with_isolation,
                                 int argc, char **argv)
{
    struct reader r = {.o = o, .program = program, .with_isolation = with_isolation};
    return read_all(&r, argc, argv);
}

enum options_result options_read_again(struct options *o, const char *program, int argc,
                                       char **argv)
{
    struct reader r = {.o = o, .program = program, .with_isolation = true, .is_again = true};
    return read_all(&r, argc, argv);
}
