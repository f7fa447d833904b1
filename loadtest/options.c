/*
 * options.c — one small function per option, and a table that names them.
 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "optparse.h"
#include "units.h"

#define BODY_MAX (64L * 1024 * 1024)
#define FAULT_WARMUP_NS (1 * NS_PER_S)

static bool take_number(const char *text, int64_t low, int64_t high, int64_t *n,
                        struct complaint *why)
{
    if (parse_count(text, low, high, n))
        return true;
    return complain(why, "\"%s\" is not a whole number from %lld to %lld", text, (long long)low,
                    (long long)high);
}

static bool take_unsigned(const char *text, int64_t high, unsigned *n, struct complaint *why)
{
    int64_t value = 0;
    bool good = take_number(text, 1, high, &value, why);
    *n = (unsigned)value;
    return good;
}

static bool take_duration(const char *text, bool zero, int64_t *ns, struct complaint *why)
{
    if (parse_duration(text, ns) && (zero || *ns > 0))
        return true;
    return complain(why, "\"%s\" is not a duration such as 500ms, 5s or 2m", text);
}

static bool set_connections(void *into, const char *value, struct complaint *why)
{
    return take_unsigned(value, MAX_CONNECTIONS, &((struct run_options *)into)->connections, why);
}

static bool set_threads(void *into, const char *value, struct complaint *why)
{
    return take_unsigned(value, 256, &((struct run_options *)into)->threads, why);
}

static bool set_pipeline(void *into, const char *value, struct complaint *why)
{
    return take_unsigned(value, MAX_DEPTH, &((struct run_options *)into)->depth, why);
}

static bool set_duration(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    o->given_duration = true;
    return take_duration(value, false, &o->duration_ns, why);
}

static bool set_warmup(void *into, const char *value, struct complaint *why)
{
    return take_duration(value, true, &((struct run_options *)into)->warmup_ns, why);
}

static bool set_timeout(void *into, const char *value, struct complaint *why)
{
    return take_duration(value, false, &((struct run_options *)into)->timeout_ns, why);
}

static bool set_requests(void *into, const char *value, struct complaint *why)
{
    int64_t n = 0;
    bool good = take_number(value, 1, INT64_C(1000000000000), &n, why);
    ((struct run_options *)into)->requests = (uint64_t)n;
    return good;
}

static bool set_rate(void *into, const char *value, struct complaint *why)
{
    int64_t n = 0;
    bool good = take_number(value, 1, 100000000, &n, why);
    ((struct run_options *)into)->rate = (double)n;
    return good;
}

static bool set_method(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    o->dress.method = value;
    o->given_method = true;
    return method_is_valid(value) ||
           complain(why, "\"%s\" is not a method such as GET or POST", value);
}

static bool set_header(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    if (!header_is_valid(value))
        return complain(why, "\"%s\" is not a header such as 'Accept: text/html'", value);
    if (o->dress.header_count == MAX_HEADERS)
        return complain(why, "there can be %d headers at most", MAX_HEADERS);
    o->headers[o->dress.header_count++] = value;
    return true;
}

static bool read_body(struct run_options *o, const char *name, struct complaint *why)
{
    struct stat st;
    FILE *in = fopen(name, "rb");
    bool good = in && fstat(fileno(in), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= BODY_MAX;
    char *data = good ? malloc((size_t)st.st_size + 1) : NULL;
    good = data && fread(data, 1, (size_t)st.st_size, in) == (size_t)st.st_size;
    if (in)
        fclose(in);
    if (!good) {
        free(data);
        return complain(why, "file %s cannot be read, or is larger than 64 MiB", name);
    }
    o->dress.body = data;
    o->dress.body_length = (size_t)st.st_size;
    return true;
}

static bool set_body(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    if (value[0] == '@')
        return read_body(o, value + 1, why);
    o->dress.body = value;
    o->dress.body_length = strlen(value);
    return true;
}

static bool set_no_keepalive(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct run_options *)into)->dress.keepalive = false;
    return true;
}

static bool set_seed(void *into, const char *value, struct complaint *why)
{
    int64_t n = 0;
    bool good = take_number(value, 0, INT64_MAX, &n, why);
    ((struct run_options *)into)->seed = (uint64_t)n;
    return good;
}

static bool set_inject(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    if (o->injection_count == MAX_INJECTIONS)
        return complain(why, "there can be %d injections at most", MAX_INJECTIONS);
    return injection_parse(value, &o->injections[o->injection_count++], why);
}

static bool set_inject_url(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    const char *equals = strchr(value, '=');
    if (!equals || equals == value || equals[1] == '\0')
        return complain(why, "\"%s\" is not KIND=URL, such as segv=http://127.0.0.1:8080/crash",
                        value);
    if (o->inject_url_count == MAX_INJECTIONS)
        return complain(why, "there can be %d of these at most", MAX_INJECTIONS);
    o->inject_urls[o->inject_url_count++] = value;
    return true;
}

static bool set_expect(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    if (o->expectation_count == MAX_EXPECTATIONS)
        return complain(why, "there can be %d of these at most", MAX_EXPECTATIONS);
    return expectation_parse(value, &o->expectations[o->expectation_count++], why);
}

static bool set_json(void *into, const char *value, struct complaint *why)
{
    ((struct run_options *)into)->json = value;
    return value[0] != '\0' || complain(why, "a file name is missing; - stands for stdout");
}

static bool set_steady_p99(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    int64_t ns = 0;
    bool good = take_duration(value, false, &ns, why);
    o->steady.p99_us = ns / NS_PER_US;
    o->steady.source = "--steady-p99";
    return good;
}

static bool set_steady_victims(void *into, const char *value, struct complaint *why)
{
    int64_t n = 0;
    bool good = take_number(value, 0, INT64_MAX, &n, why);
    ((struct run_options *)into)->steady.victims = (uint64_t)n;
    return good;
}

static bool set_start(void *into, const char *value, struct complaint *why)
{
    ((struct run_options *)into)->start = value;
    return value[0] != '\0' || complain(why, "which command?");
}

static bool set_server_metrics(void *into, const char *value, struct complaint *why)
{
    ((struct run_options *)into)->server_metrics = value;
    return value[0] != '\0' || complain(why, "a URL such as http://127.0.0.1:9090/metrics is "
                                             "missing");
}

static bool set_quiet(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct run_options *)into)->quiet = true;
    return true;
}

static bool set_help(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct run_options *)into)->help = true;
    return true;
}

static bool set_version(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct run_options *)into)->version = true;
    return true;
}

static bool not_yet(void *into, const char *value, struct complaint *why)
{
    (void)into;
    (void)value;
    return complain(why, "is not built yet; --json FILE holds every number");
}

static bool no_tls_yet(void *into, const char *value, struct complaint *why)
{
    (void)into;
    (void)value;
    return complain(why, "TLS is not built yet: leave it out, and use an http:// URL");
}

static const struct option_spec table[] = {
    {'c', "connections", "N", "connections, all threads together (64)", set_connections},
    {'t', "threads", "N", "sending threads (one less than the CPUs, 1 at least)", set_threads},
    {'d', "duration", "DUR", "length of the measured run (10s)", set_duration},
    {'n', "requests", "N", "requests in all, instead of a duration", set_requests},
    {'R', "rate", "N", "open loop: requests due per second; without it, closed loop", set_rate},
    {0, "pipeline", "N", "requests in flight on each connection (1)", set_pipeline},
    {'m', "method", "NAME", "GET, or POST with --body", set_method},
    {'H', "header", "'NAME: VALUE'", "repeatable", set_header},
    {'b', "body", "TEXT|@FILE", "request body", set_body},
    {0, "no-keepalive", NULL, "a connection for each request", set_no_keepalive},
    {0, "timeout", "DUR", "a request may take this long from its sending (10s)", set_timeout},
    {0, "warmup", "DUR", "before the run (1s when something is injected, else 0s)", set_warmup},
    {0, "seed", "N", "of the choice which requests are injected (1)", set_seed},
    {0, "inject", "KIND=1%", "send this share to /fault/KIND; or KIND@5s, KIND@5s/2s", set_inject},
    {0, "inject-url", "KIND=URL", "the poisoned request of another server", set_inject_url},
    {0, "start", "'COMMAND'", "start this server for the run, and stop it afterwards", set_start},
    {0, "server-metrics", "URL", "/metrics of a Tandem server: its side of the ledger, CPU, memory",
     set_server_metrics},
    {0, "expect", "'EXPR'", "repeatable: 'victims == 0', 'p99 < 20ms', 'ok >= 99.9%'", set_expect},
    {0, "steady-p99", "DUR", "p99 of a steady run, to tell slow victims by", set_steady_p99},
    {0, "steady-victims", "N", "what that run had of them", set_steady_victims},
    {0, "json", "FILE", "write the result as JSON; - for stdout, instead of the text", set_json},
    {0, "quiet", NULL, "no progress on stderr", set_quiet},
    {0, "help", NULL, "this text", set_help},
    {0, "version", NULL, "the version", set_version},
    {0, "csv", "FILE", NULL, not_yet},
    {0, "html", "FILE", NULL, not_yet},
    {0, "hlog", "FILE", NULL, not_yet},
    {0, "insecure", NULL, NULL, no_tls_yet},
    {0, NULL, NULL, NULL, NULL}};

static bool add_url(void *into, const char *text, struct complaint *why)
{
    struct run_options *o = into;
    if (o->url_count == MAX_URLS)
        return complain(why, "there can be %d URLs at most", MAX_URLS);
    o->urls[o->url_count++] = text;
    return true;
}

void run_options_default(struct run_options *o)
{
    memset(o, 0, sizeof *o);
    o->connections = 64;
    o->depth = 1;
    o->duration_ns = 10 * NS_PER_S;
    o->warmup_ns = -1;
    o->timeout_ns = 10 * NS_PER_S;
    o->requests = UINT64_MAX;
    o->dress.method = "GET";
    o->dress.keepalive = true;
    o->seed = 1;
}

/* Gives each --inject-url to the injection of its kind. */
static bool match_inject_urls(struct run_options *o, struct complaint *why)
{
    for (size_t i = 0; i < o->inject_url_count; i++) {
        const char *text = o->inject_urls[i];
        size_t length = strcspn(text, "=");
        bool found = false;
        for (size_t j = 0; j < o->injection_count; j++) {
            struct injection *injection = &o->injections[j];
            if (strlen(injection->kind) != length || memcmp(injection->kind, text, length) != 0)
                continue;
            injection->url = text + length + 1;
            found = true;
        }
        if (!found)
            return complain(why, "--inject-url %s: say how often, with --inject %.*s=1%%", text,
                            (int)length, text);
    }
    return true;
}

/* Somebody else's processes are not ours to kill. */
static bool check_processes(const struct run_options *o, struct complaint *why)
{
    for (size_t i = 0; i < o->injection_count; i++) {
        const struct injection *injection = &o->injections[i];
        if (injection->level != FAULT_PROCESS)
            continue;
        if (injection->url)
            return complain(why,
                            "%s is done to a process, so --inject-url has no say in it: call your "
                            "fault by another name",
                            injection->kind);
        if (!o->start)
            return complain(why,
                            "--inject %s is done to a server that loadtest started: add --start "
                            "'COMMAND'",
                            injection->kind);
    }
    return true;
}

static bool check_together(struct run_options *o, struct complaint *why)
{
    double share = 0;
    for (size_t i = 0; i < o->injection_count; i++)
        share += o->injections[i].share;
    if (o->url_count == 0)
        return complain(why, "which server? loadtest run http://127.0.0.1:8080/");
    if (share > 1)
        return complain(why, "the shares of --inject add up to more than 100%%");
    if (o->threads > o->connections)
        return complain(why, "%u threads cannot share %u connections: raise -c or lower -t",
                        o->threads, o->connections);
    if (o->url_count > o->connections)
        return complain(why, "%zu URLs need at least as many connections: raise -c", o->url_count);
    if (o->depth > 1 && !o->dress.keepalive)
        return complain(why, "--pipeline and --no-keepalive exclude each other");
    return match_inject_urls(o, why) && check_processes(o, why);
}

static void fill_in(struct run_options *o)
{
    o->dress.headers = o->headers;
    if (o->dress.body && !o->given_method)
        o->dress.method = "POST";
    if (o->requests != UINT64_MAX && !o->given_duration)
        o->duration_ns = INT64_MAX;
    if (o->warmup_ns < 0)
        o->warmup_ns = o->injection_count > 0 && o->steady.p99_us == 0 ? FAULT_WARMUP_NS : 0;
}

bool run_options_parse(struct run_options *o, int argc, char *const *argv, struct complaint *why)
{
    if (!options_parse(table, o, argc, argv, add_url, "loadtest run", why))
        return false;
    if (o->help || o->version)
        return true;
    if (!check_together(o, why))
        return false;
    fill_in(o);
    return true;
}

void run_options_help(void)
{
    puts("usage: loadtest run [options] URL...\n"
         "Sends requests to http://HOST[:PORT]/PATH or unix:/SOCKET:/PATH and tells how each "
         "ended.\n");
    options_help(table, stdout);
    puts("\nTo processes of a server of --start: --inject kill-worker@3s/1s, freeze:6s@2s, "
         "restart@5s, "
         "reload@5s.\nIts command and the URLs may hold {port} and {admin-port}: free ports of "
         "127.0.0.1.");
    puts("\nExit status: 0 the expectations held, 1 one failed, 2 the run was invalid, 3 nothing "
         "was tested.");
}
