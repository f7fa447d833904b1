/*
 * options.c — one small function per option, and a table that names them.
 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optparse.h"
#include "scenario.h"
#include "target/infile.h"
#include "units.h"

#define BODY_MAX ((size_t)64 << 20)
#define RATE_MIN 0.001
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
    o->given.duration = true;
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

static bool set_resolve(void *into, const char *value, struct complaint *why)
{
    return take_duration(value, false, &((struct run_options *)into)->resolve_ns, why);
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
    struct run_options *o = into;
    o->given.rate = true;
    return (parse_rate(value, &o->rate) && o->rate >= RATE_MIN) ||
           complain(why, "\"%s\" is not a rate per second such as 0.5, 1000 or 10k", value);
}

static bool set_stages(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    o->given.stages = true;
    return schedule_parse(value, &o->schedule, why);
}

static bool set_arrivals(void *into, const char *value, struct complaint *why)
{
    struct schedule *schedule = &((struct run_options *)into)->schedule;
    schedule->poisson = strcmp(value, "poisson") == 0;
    return schedule->poisson || strcmp(value, "constant") == 0 ||
           complain(why, "\"%s\" is neither constant nor poisson", value);
}

static bool set_method(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    o->dress.method = value;
    o->given.method = true;
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
    char path[INFILE_NAME_MAX];
    free(o->body_text);
    o->body_text = infile_beside(o->folder, name, path, why)
                       ? infile_read(path, BODY_MAX, &o->dress.body_length, why)
                       : NULL;
    o->dress.body = o->body_text;
    return o->body_text != NULL;
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

static bool set_body_size(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    int64_t size;
    if (!parse_size(value, &size) || (size_t)size > BODY_MAX)
        return complain(why, "\"%s\" is not a size such as 1000, 64k or 1m, up to 64m", value);
    free(o->body_text);
    o->body_text = malloc((size_t)size + 1);
    if (!o->body_text)
        return complain(why, "out of memory");
    for (int64_t i = 0; i < size; i++)
        o->body_text[i] = (char)(i % 64 == 63 ? '\n' : 'a' + i % 26);
    o->body_text[size] = '\0';
    o->dress.body = o->body_text;
    o->dress.body_length = (size_t)size;
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

static bool set_insecure(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct run_options *)into)->tls.insecure = true;
    return true;
}

static bool set_cacert(void *into, const char *value, struct complaint *why)
{
    ((struct run_options *)into)->tls.cacert = value;
    return value[0] != '\0' || complain(why, "a file name is missing");
}

static bool set_cert(void *into, const char *value, struct complaint *why)
{
    ((struct run_options *)into)->tls.cert = value;
    return value[0] != '\0' || complain(why, "a file name is missing");
}

static bool set_key(void *into, const char *value, struct complaint *why)
{
    ((struct run_options *)into)->tls.key = value;
    return value[0] != '\0' || complain(why, "a file name is missing");
}

static bool set_tls_version(void *into, const char *value, struct complaint *why)
{
    struct tls_choice *choice = &((struct run_options *)into)->tls;
    choice->only_12 = strcmp(value, "1.2") == 0;
    choice->only_13 = strcmp(value, "1.3") == 0;
    return choice->only_12 || choice->only_13 ||
           complain(why, "\"%s\" is neither 1.2 nor 1.3", value);
}

static bool set_tls_resume(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct run_options *)into)->tls.resume = true;
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
    return option_file(value, &((struct run_options *)into)->json, why);
}

static bool set_csv(void *into, const char *value, struct complaint *why)
{
    return option_file(value, &((struct run_options *)into)->csv, why);
}

static bool set_html(void *into, const char *value, struct complaint *why)
{
    return option_file(value, &((struct run_options *)into)->html, why);
}

static bool set_hlog(void *into, const char *value, struct complaint *why)
{
    return option_file_only(value, &((struct run_options *)into)->hlog, why);
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

/* The URLs of the command line stand in place of a scenario's. */
static void begin_urls(struct run_options *o)
{
    if (!o->given.urls) {
        o->url_count = 0;
        url_list_free(&o->listed);
    }
    o->given.urls = true;
}

static bool set_url(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    begin_urls(o);
    if (o->url_count == MAX_URLS)
        return complain(why, "there can be %d URLs at most: write more into a file for --urls",
                        MAX_URLS);
    o->urls[o->url_count++] = value;
    return true;
}

static bool set_urls(void *into, const char *value, struct complaint *why)
{
    struct run_options *o = into;
    char path[INFILE_NAME_MAX];
    begin_urls(o);
    return infile_beside(o->folder, value, path, why) && url_list_read(&o->listed, path, why);
}

static bool set_scenario(void *into, const char *value, struct complaint *why)
{
    (void)why;
    ((struct run_options *)into)->scenario = value; /* run_options_parse() has read it by now */
    return true;
}

static const struct option_spec table[] = {
    {0, "", NULL, "What to send:", NULL},
    {0, "url", "URL", NULL, set_url}, /* in a scenario: there are no operands */
    {0, "urls", "FILE", "lines of [WEIGHT] [METHOD] URL to choose from", set_urls},
    {'m', "method", "NAME", "GET, or POST with --body", set_method},
    {'H', "header", "'NAME: VALUE'", "repeatable", set_header},
    {'b', "body", "TEXT|@FILE", "request body; {seq} and {rand} are filled in", set_body},
    {0, "body-size", "SIZE", "a request body of so many bytes: 1000, 64k, 1m", set_body_size},
    {0, "seed", "N", "of all choices and random numbers (1)", set_seed},
    {0, "scenario", "FILE", "read options from a file; NAME for a known one", set_scenario},
    {0, "", NULL, "When and how:", NULL},
    {'d', "duration", "DUR", "length of the measured run (10s)", set_duration},
    {'n', "requests", "N", "requests in all, instead of a duration", set_requests},
    {'R', "rate", "N", "open loop: N are due per second; else closed loop", set_rate},
    {0, "stages", "PLAN", "open loop: 10s@500,20s@0-9k is a rate, then a ramp", set_stages},
    {0, "arrivals", "HOW", "open loop: constant, or poisson (random) gaps", set_arrivals},
    {'c', "connections", "N", "connections, all threads together (64)", set_connections},
    {'t', "threads", "N", "sending threads (one less than the CPUs)", set_threads},
    {0, "pipeline", "N", "requests in flight on each connection (1)", set_pipeline},
    {0, "no-keepalive", NULL, "a connection for each request", set_no_keepalive},
    {0, "timeout", "DUR", "for a request, from its sending (10s)", set_timeout},
    {0, "warmup", "DUR", "before the run (1s with --inject, else 0s)", set_warmup},
    {0, "resolve", "DUR", "ask for names again so often, use all addresses", set_resolve},
    {0, "insecure", NULL, "https: any certificate will do", set_insecure},
    {0, "cacert", "FILE", "https: trust these authorities, not the system's", set_cacert},
    {0, "cert", "FILE", "https: a certificate to show to servers that ask", set_cert},
    {0, "key", "FILE", "https: its key, where it is not in the same file", set_key},
    {0, "tls-version", "1.2|1.3", "https: no other version", set_tls_version},
    {0, "tls-resume", NULL, "https: new connections resume the last session", set_tls_resume},
    {0, "", NULL, "What to do on purpose, and what to make of it:", NULL},
    {0, "inject", "KIND=1%", "this share to /fault/KIND; or KIND@5s, KIND@5s/2s", set_inject},
    {0, "inject-url", "KIND=URL", "the poisoned request of another server", set_inject_url},
    {0, "start", "'COMMAND'", "start this server for the run, and stop it then", set_start},
    {0, "server-metrics", "URL", "/metrics of a Tandem server: its side of it all",
     set_server_metrics},
    {0, "steady-p99", "DUR", "p99 of a steady run, to tell slow victims by", set_steady_p99},
    {0, "steady-victims", "N", "what that run had of them", set_steady_victims},
    {0, "expect", "'EXPR'", "'victims == 0', 'p99 < 20ms', 'ok >= 99.9%'", set_expect},
    {0, "", NULL, "What to tell:", NULL},
    {0, "json", "FILE", "all numbers; - for stdout, instead of the text", set_json},
    {0, "csv", "FILE", "the timeline, a row per second", set_csv},
    {0, "html", "FILE", "one page, with diagrams if gnuplot is there", set_html},
    {0, "hlog", "FILE", "HdrHistogram's log: latencies by second", set_hlog},
    {0, "quiet", NULL, "no progress on stderr", set_quiet},
    {0, "help", NULL, "this text", set_help},
    {0, "version", NULL, "the version", set_version},
    {0, NULL, NULL, NULL, NULL}};

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
        if (!o->start && !o->subject)
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
    if (o->url_count + o->listed.count == 0)
        return complain(why, "which server? loadtest run http://127.0.0.1:8080/");
    if (o->given.rate && o->given.stages)
        return complain(why, "-R and --stages exclude each other: 10s@N is a stage at the rate N");
    if (o->schedule.poisson && o->rate <= 0 && !schedule_is_open(&o->schedule))
        return complain(why, "--arrivals poisson needs a rate: -R or --stages");
    if (share > 1)
        return complain(why, "the shares of --inject add up to more than 100%%");
    if (o->threads > o->connections)
        return complain(why, "%u threads cannot share %u connections: raise -c or lower -t",
                        o->threads, o->connections);
    if (o->depth > 1 && !o->dress.keepalive)
        return complain(why, "--pipeline and --no-keepalive exclude each other");
    if (o->tls.key && !o->tls.cert)
        return complain(why, "--key is for a certificate: name its file with --cert FILE");
    return match_inject_urls(o, why) && check_processes(o, why);
}

/* The stages say how long the run is; -d may end it earlier. */
static void fill_in_stages(struct run_options *o)
{
    int64_t length = schedule_length_ns(&o->schedule);
    o->rate = schedule_mean_rate(&o->schedule);
    if (!o->given.duration || o->duration_ns > length)
        o->duration_ns = length;
}

static void fill_in(struct run_options *o)
{
    o->dress.headers = o->headers;
    if (o->dress.body && !o->given.method)
        o->dress.method = "POST";
    if (schedule_is_open(&o->schedule))
        fill_in_stages(o);
    else if (o->requests != UINT64_MAX && !o->given.duration)
        o->duration_ns = INT64_MAX;
    if (o->warmup_ns < 0)
        o->warmup_ns = o->injection_count > 0 && o->steady.p99_us == 0 ? FAULT_WARMUP_NS : 0;
}

const struct option_spec *run_option(const char *name)
{
    const struct option_spec *spec = table;
    while (spec->name && strcmp(spec->name, name) != 0)
        spec++;
    return spec->name ? spec : NULL;
}

bool run_options_settle(struct run_options *o, struct complaint *why)
{
    if (!check_together(o, why))
        return false;
    fill_in(o);
    return true;
}

bool run_options_set(struct run_options *o, const char *name, const char *value,
                     struct complaint *why)
{
    static const char *const not_here[] = {"scenario", "help", "version"};
    for (size_t i = 0; i < sizeof not_here / sizeof not_here[0]; i++)
        if (strcmp(name, not_here[i]) == 0)
            return complain(why, "%s is for the command line only", name);
    return options_set(table, o, name, value, why);
}

/* A scenario may leave the server open, and name a path on it only. */
static bool check_servers(const struct run_options *o, struct complaint *why)
{
    for (size_t i = 0; i < o->url_count; i++)
        if (o->urls[i][0] == '/')
            return complain(why,
                            "%s is a path only: on which server? loadtest run "
                            "http://127.0.0.1:8080%s",
                            o->urls[i], o->urls[i]);
    return true;
}

/* What the command line said of the schedule replaces what the scenario said of it. */
static void let_arguments_win(struct run_options *o, const struct given *scenario)
{
    if (o->given.rate && scenario->stages)
        o->schedule.stage_count = 0;
    if (o->given.stages && scenario->rate)
        o->rate = 0;
    o->given.duration |= scenario->duration && !o->given.stages;
    o->given.method |= scenario->method;
}

bool run_options_parse(struct run_options *o, int argc, char *const *argv, struct complaint *why)
{
    const char *scenario = options_find(table, argc, argv, "scenario");
    struct given by_scenario = {0};
    if (scenario && !scenario_read(scenario, o, why))
        return false;
    if (scenario) {
        by_scenario = o->given;
        o->given = (struct given){0};
        if (by_scenario.rate && by_scenario.stages)
            return complain(why, "scenario %s: rate and stages exclude each other", scenario);
    }
    if (!options_parse(table, o, argc, argv, set_url, "loadtest run", why))
        return false;
    let_arguments_win(o, &by_scenario);
    return o->help || o->version || (check_servers(o, why) && run_options_settle(o, why));
}

const char *run_options_first_url(const struct run_options *o)
{
    return o->url_count > 0 ? o->urls[0] : o->listed.aims[0].url;
}

void run_options_free(struct run_options *o)
{
    url_list_free(&o->listed);
    free(o->scenario_text);
    free(o->body_text);
    o->scenario_text = NULL;
    o->body_text = NULL;
}

void run_options_help(FILE *out)
{
    fputs("usage: loadtest run [options] URL...\n"
          "A URL is http[s]://HOST[:PORT]/PATH or unix:/SOCKET:/PATH.\n",
          out);
    options_help(table, out);
    fputs("KINDs not /fault/KIND: drip half-close reset-request reset-response garbage\n"
          "stalled-reader; with --start, at a time: kill-worker freeze:6s restart reload.\n",
          out);
    fputs("Exit: 0 expectations held, 1 not, 2 invalid, 3 nothing tested. See man loadtest\n", out);
}
