/*
 * table.c — the rows, and how one of them is found.
 */
#include "table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../options.h"

#define FIELD(name) offsetof(struct options, name), sizeof(((struct options *)0)->name)
#define NO_FIELD 0, 0
#define NO_RANGE NULL, NULL

_Static_assert(LIMIT_WORKERS == 1024, "the table and --help say so");
_Static_assert(LIMIT_SPARES == 256, "the table and --help say so");

/* clang-format off */
const struct row option_rows[] = {
    {"listen", ADDRESS, "127.0.0.1:8080", FIELD(listen), NO_RANGE, "or unix:/path; repeatable", 0},
    {"admin", ADMIN, NULL, FIELD(admin), NO_RANGE, "where /metrics /healthz /readyz are", 0},
    {"trusted-proxy", PROXY, NULL, FIELD(trusted_proxies), NO_RANGE, "or ADDR, unix: tells who asks; repeatable", 0},
    {"proxy-protocol", SWITCH, NULL, FIELD(proxy_protocol), NO_RANGE, "--trusted-proxy sends PROXY v2 (or v1) first", 0},
    {"tls-listen", ADDRESS, NULL, FIELD(tls_listen), NO_RANGE, "the same for https; repeatable", 0},
    {"tls-cert", FILES, NULL, FIELD(tls_certs), NO_RANGE, "PEM, chain behind it; repeatable, by name", OF_TLS},
    {"tls-key", FILES, NULL, FIELD(tls_keys), NO_RANGE, "PEM; one for each --tls-cert", OF_TLS},
    {"tls-self-signed", SWITCH, NULL, FIELD(tls_self_signed), NO_RANGE, "a certificate for this machine, in memory", OF_TLS},
    {"tls-ocsp", FILES, NULL, FIELD(tls_ocsp), NO_RANGE, "DER, to be stapled; repeatable", OF_TLS},
    {"tls-client-ca", FILE_NAME, NULL, FIELD(tls_client_ca), NO_RANGE, "PEM: ask clients for a certificate", OF_TLS},
    {"tls-client-required", SWITCH, NULL, FIELD(tls_client_required), NO_RANGE, "refuse clients that have none", OF_TLS},
    {"tls-min", WORD, "1.2", FIELD(tls_only_13), "1.2|1.3", NULL, "oldest version of TLS", OF_TLS},
    {"tls-gates", NUMBER, NULL, FIELD(tls_gates), "1", "64", "processes that speak TLS [1 per CPU]", OF_PROC | OF_TLS},
    {"tls-ticket-time", DURATION, LIMIT_TICKET_TIME, FIELD(tls_ticket_time), "1s", "168h", "sessions resume, from a whole handshake", OF_TLS},
    {"tls-handshake-timeout", DURATION, LIMIT_SHAKE_TIME, FIELD(tls_handshake_timeout), "1ms", "24h", "for a TLS handshake", OF_TLS},
    {"hsts", VALUE, NULL, FIELD(hsts), NO_RANGE, "https: value of Strict-Transport-Security", OF_TLS},
    {"root", FOLDER, NULL, FIELD(root), NO_RANGE, "folder of the files to serve", 0},
    {"listing", SWITCH, NULL, FIELD(listing), NO_RANGE, "a folder without index.html shows its files", OF_FILES},
    {"not-found", DOCUMENT, NULL, FIELD(not_found), NO_RANGE, "page below --root to send with 404", OF_FILES},
    {"cache-control", VALUE, NULL, FIELD(cache_control), NO_RANGE, "sent with files, such as max-age=60", OF_FILES},
    {"media-types", FILE_NAME, "/etc/mime.types", FIELD(media_types), NO_RANGE, "types by extension", 0},
    {"hide-server", SWITCH, NULL, FIELD(hide_server), NO_RANGE, "send no Server field", 0},
    {"module", MODULE, NULL, FIELD(modules), NO_RANGE, "handlers of yours; repeatable", 0},
    {"enable-demo", SWITCH, NULL, FIELD(enable_demo), NO_RANGE, "serve /echo, /work and /counter", 0},
    {"enable-faults", SWITCH, NULL, FIELD(enable_faults), NO_RANGE, "serve /fault/KIND: it crashes on request", 0},
    {"workers", NUMBER, NULL, FIELD(workers), "1", "1024", "[4 per CPU, at least 8]", 0},
    {"max-connections", NUMBER, LIMIT_CONNECTIONS, FIELD(max_connections), "1", "1000000", "more get 503", 0},
    {"max-requests", NUMBER, LIMIT_REQUESTS, FIELD(max_requests), "0", "1000000000000", "then a worker is replaced; 0: never", 0},
    {"isolation", WORD, "pool", FIELD(isolation), "pool|fresh", NULL, "one memory per worker, or per request", OF_PROC},
    {"spare", NUMBER, NULL, FIELD(spares), "1", "256", "fresh: kept ready [2 per CPU, at least 4]", OF_PROC},
    {"worker-cpu", DURATION, NULL, FIELD(worker_cpu), "1ms", "24h", "CPU time for one request, else 503", 0},
    {"worker-memory", SIZE, NULL, FIELD(worker_memory), "1m", "1024g", "that a worker may add to its own", 0},
    {"quarantine", RATE, "off", FIELD(quarantine), NO_RANGE, "deaths/time that put a route aside", 0},
    {"user", USER, NULL, FIELD(user), NO_RANGE, "started by root, workers run as [nobody]", 0},
    {"sandbox", WORD, "on", FIELD(sandbox), "off|on", NULL, "workers can do what serving needs", 0},
    {"header-timeout", DURATION, LIMIT_HEADER_TIME, FIELD(header_timeout), "1ms", "24h", "for a whole head", 0},
    {"body-timeout", DURATION, LIMIT_BODY_TIME, FIELD(body_timeout), "1ms", "24h", "for a body; what arrives earns more", 0},
    {"body-rate", SIZE, LIMIT_BODY_RATE, FIELD(body_rate), "1", "1g", "so much earns 1s more", 0},
    {"body-total-timeout", DURATION, LIMIT_BODY_TOTAL, FIELD(body_total_timeout), "1ms", "24h", "at whatever rate", 0},
    {"idle-timeout", DURATION, LIMIT_IDLE_TIME, FIELD(idle_timeout), "1ms", "24h", "between requests", 0},
    {"write-timeout", DURATION, LIMIT_WRITE_TIME, FIELD(write_timeout), "1ms", "24h", "client takes nothing", 0},
    {"request-timeout", DURATION, LIMIT_REQUEST_TIME, FIELD(request_timeout), "1ms", "24h", "for the handler", 0},
    {"drain-timeout", DURATION, LIMIT_DRAIN_TIME, FIELD(drain_timeout), "1ms", "24h", "from SIGTERM to the end", 0},
    {"drain-delay", DURATION, "0s", FIELD(drain_delay), "0s", "24h", "served on, while /readyz says 503", 0},
    {"max-header", SIZE, LIMIT_HEADER, FIELD(max_header), "256", "64k", "request line and headers", 0},
    {"max-headers", NUMBER, LIMIT_HEADERS, FIELD(max_headers), "1", "1000", "header lines", 0},
    {"max-uri", SIZE, LIMIT_URI, FIELD(max_uri), "16", "64k", "request target", 0},
    {"max-body", SIZE, LIMIT_BODY, FIELD(max_body), "0", "1024g", "of one request", 0},
    {"max-spool", SIZE, LIMIT_SPOOL, FIELD(max_spool), "0", "1024g", "all waiting bodies together", 0},
    {"access-log", TEXT, "-", FIELD(access_log), NO_RANGE, "- is stdout", 0},
    {"log-format", WORD, "combined", FIELD(log_format), "combined|json", NULL, "of the access log", 0},
    {"log-level", WORD, "info", FIELD(log_level), "error|warn|info|debug", NULL, "what is worth a line", 0},
    {"one", SWITCH, NULL, FIELD(one), NO_RANGE, "serve in this process, for a debugger", 0},
    {"config", FILE_NAME, NULL, FIELD(config), NO_RANGE, "a file of NAME = VALUE lines", OF_LINE},
    {"print-config", SWITCH, NULL, FIELD(print_config), NO_RANGE, "what all of this comes to, as such a file", OF_LINE},
    {"check", SWITCH, NULL, FIELD(check), NO_RANGE, "read everything, start nothing", OF_LINE},
    {"health", SWITCH, NULL, FIELD(health), NO_RANGE, "ask the server with these options how it is", OF_LINE},
    {"ready-fd", DESCRIPTOR, NULL, FIELD(ready_fd), NO_RANGE, "gets \"ready ADDR:PORT\" in the end", OF_LINE},
    {"version", QUESTION, NULL, NO_FIELD, NO_RANGE, "print it and stop", OF_LINE},
    {"help", QUESTION, NULL, NO_FIELD, NO_RANGE, "print this and stop", OF_LINE},
    {NULL, QUESTION, NULL, NO_FIELD, NO_RANGE, NULL, 0},
};
/* clang-format on */

_Static_assert(sizeof option_rows / sizeof option_rows[0] <= OPTION_ROOM, "raise OPTION_ROOM");

/* The first row of each group. */
static const struct {
    const char *first, *title;
} groups[] = {
    {"listen", "Where clients connect"},
    {"tls-listen", "TLS"},
    {"root", "What is served"},
    {"workers", "Workers, and what they may do"},
    {"header-timeout", "Times"},
    {"max-header", "Sizes"},
    {"access-log", "Logs"},
    {"one", "What to do"},
};

const struct row *find_row(const char *name, size_t length)
{
    for (const struct row *row = option_rows; row->name; row++)
        if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
            return row;
    return NULL;
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

const struct row *nearest_row(const char *name, size_t length)
{
    const struct row *nearest = NULL;
    size_t least = length < 5 ? 2 : 3; /* more than one or two letters off is no typo */
    for (const struct row *row = option_rows; row->name && length < NAME_ROOM; row++) {
        bool begins = length > 2 && strncmp(row->name, name, length) == 0;
        size_t d = distance(name, length, row->name);
        if (begins && d > 2)
            d = 2;
        if (d < least) {
            least = d;
            nearest = row;
        }
    }
    return nearest;
}

bool is_list(const struct row *row)
{
    return row->kind == ADDRESS || row->kind == MODULE || row->kind == FILES || row->kind == PROXY;
}

const char *placeholder(const struct row *row)
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

const char *group_title(const struct row *row)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(groups[i].first, row->name) == 0)
            return groups[i].title;
    return NULL;
}

const char *variable_name(const struct row *row, char out[NAME_ROOM])
{
    snprintf(out, NAME_ROOM, "TANDEM_%s", row->name);
    for (char *c = out; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return out;
}
