/*
 * demo_options.c — few options: a demonstration that needs tuning is none.
 */
#include "demo_options.h"

#include <stdio.h>
#include <string.h>

#include "../options.h"
#include "../optparse.h"
#include "../units.h"
#include "demo_server.h"

static bool take_number(const char *text, int64_t high, unsigned *n, struct complaint *why)
{
    int64_t value = 0;
    bool good = parse_count(text, 1, high, &value);
    *n = (unsigned)value;
    return good ||
           complain(why, "\"%s\" is not a whole number from 1 to %lld", text, (long long)high);
}

static bool set_duration(void *into, const char *value, struct complaint *why)
{
    struct demo_options *o = into;
    return (parse_duration(value, &o->duration_ns) && o->duration_ns > 0 &&
            o->duration_ns <= 3600 * NS_PER_S) ||
           complain(why, "\"%s\" is not a duration of up to an hour, such as 10s", value);
}

static bool set_connections(void *into, const char *value, struct complaint *why)
{
    return take_number(value, MAX_CONNECTIONS, &((struct demo_options *)into)->connections, why);
}

static bool set_pipeline(void *into, const char *value, struct complaint *why)
{
    return take_number(value, MAX_DEPTH, &((struct demo_options *)into)->depth, why);
}

static bool set_scenario(void *into, const char *value, struct complaint *why)
{
    struct demo_options *o = into;
    if (value[0] == '\0')
        return complain(why, "which one? all stands for all known ones");
    if (o->scenario_count == DEMO_SCENARIOS)
        return complain(why, "there can be %d of these at most", DEMO_SCENARIOS);
    o->scenarios[o->scenario_count++] = value;
    return true;
}

static bool set_share(void *into, const char *value, struct complaint *why)
{
    struct demo_options *o = into;
    o->fault_given = true;
    return parse_share(value, &o->share) ||
           complain(why, "\"%s\" is not a share such as 1%% or 0.1%%", value);
}

static bool set_kind(void *into, const char *value, struct complaint *why)
{
    struct demo_options *o = into;
    struct injection injection;
    char text[64];
    o->fault_given = true;
    int n = snprintf(text, sizeof text, "%s=1%%", value);
    if (n < 0 || (size_t)n >= sizeof text || !injection_parse(text, &injection, why))
        return complain(why, "\"%s\" is not a kind of fault such as segv or abort", value);
    memcpy(o->kind, injection.kind, KIND_SIZE);
    return true;
}

static bool set_seed(void *into, const char *value, struct complaint *why)
{
    struct demo_options *o = into;
    int64_t n = 0;
    bool good = parse_count(value, 0, INT64_MAX, &n);
    o->seed = (uint64_t)n;
    o->seed_given = true;
    return good || complain(why, "\"%s\" is not a whole number", value);
}

static bool set_servers(void *into, const char *value, struct complaint *why)
{
    (void)why;
    ((struct demo_options *)into)->servers = value;
    return true;
}

/* HOST:PORT, short enough. */
static bool take_place(const char *text, size_t length, char place[SUBJECT_ADDRESS_MAX])
{
    const char *colon = memchr(text, ':', length);
    if (!colon || colon == text || colon + 1 == text + length || length >= SUBJECT_ADDRESS_MAX ||
        memchr(text, '/', length))
        return false;
    memcpy(place, text, length);
    place[length] = '\0';
    return true;
}

/* pool=server-proc:8080,server-proc:9090 */
static bool set_against(void *into, const char *value, struct complaint *why)
{
    struct demo_options *o = into;
    size_t name = strcspn(value, "=");
    for (size_t i = 0; value[name] && i < SUBJECTS; i++) {
        const char *subject = demo_server_name(i), *at = value + name + 1;
        size_t length = strcspn(at, ",");
        if (strlen(subject) != name || strncmp(subject, value, name) != 0)
            continue;
        o->elsewhere = true;
        if (at[length] && take_place(at, length, o->against[i].address) &&
            take_place(at + length + 1, strlen(at + length + 1), o->against[i].admin))
            return true;
    }
    return complain(why,
                    "\"%s\" is not NAME=HOST:PORT,HOST:ADMINPORT, where NAME is thread, pool or "
                    "fresh",
                    value);
}

static bool set_workers(void *into, const char *value, struct complaint *why)
{
    unsigned n;
    ((struct demo_options *)into)->workers = value;
    return take_number(value, 1024, &n, why);
}

static bool set_json(void *into, const char *value, struct complaint *why)
{
    return option_file(value, &((struct demo_options *)into)->json, why);
}

static bool set_html(void *into, const char *value, struct complaint *why)
{
    return option_file(value, &((struct demo_options *)into)->html, why);
}

static bool set_no_pin(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct demo_options *)into)->pin = false;
    return true;
}

static bool set_quiet(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct demo_options *)into)->quiet = true;
    return true;
}

static bool set_help(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct demo_options *)into)->help = true;
    return true;
}

static bool set_version(void *into, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    ((struct demo_options *)into)->version = true;
    return true;
}

static const struct option_spec table[] = {
    {0, "scenario", "NAME", "or FILE: run it instead; repeatable; all: every one", set_scenario},
    {'d', "duration", "DUR", "of each run (10s); of a scenario's, at most (4s)", set_duration},
    {'c', "connections", "N", "keep-alive connections (64, or the scenario's)", set_connections},
    {0, "pipeline", "N", "requests in flight on each (1, or the scenario's)", set_pipeline},
    {0, "share", "N%", "of the requests that are poisoned (1%)", set_share},
    {0, "kind", "KIND", "of the fault, as in /fault/KIND (segv)", set_kind},
    {0, "seed", "N", "of the choice which requests are poisoned (1)", set_seed},
    {0, "servers", "DIR", "where the servers are (beside this program)", set_servers},
    {0, "against", "WHERE", "NAME=HOST:PORT,HOST:ADMINPORT: is up already; thrice", set_against},
    {0, "workers", "N", "passed on to the servers (their default)", set_workers},
    {0, "no-pin", NULL, "let server and client run on any CPU", set_no_pin},
    {0, "json", "FILE", "all results; - for stdout, instead of the text", set_json},
    {0, "html", "FILE", "write a page with the subjects side by side", set_html},
    {0, "quiet", NULL, "no progress on stderr", set_quiet},
    {0, "help", NULL, "this text", set_help},
    {0, "version", NULL, "the version", set_version},
    {0, NULL, NULL, NULL, NULL}};

static bool no_operand(void *into, const char *text, struct complaint *why)
{
    (void)into;
    return complain(why,
                    "demo takes no argument \"%s\": it starts its own servers (to load "
                    "another, use loadtest run URL)",
                    text);
}

void demo_options_default(struct demo_options *o)
{
    *o = (struct demo_options){
        .warmup_ns = NS_PER_S, .share = 0.01, .kind = "segv", .seed = 1, .pin = true};
}

static void fill_in(struct demo_options *o)
{
    bool scenarios = o->scenario_count > 0;
    if (o->duration_ns == 0)
        o->duration_ns = (scenarios ? 4 : 10) * NS_PER_S;
    if (o->connections == 0 && !scenarios)
        o->connections = 64;
    if (o->depth == 0 && !scenarios)
        o->depth = 1;
}

/* The three are compared with one another, and either all are ours or none. */
static bool check_against(struct demo_options *o, struct complaint *why)
{
    if (o->servers || o->workers)
        return complain(why, "--servers and --workers are for servers that demo starts itself: "
                             "not with --against");
    for (size_t i = 0; i < SUBJECTS; i++)
        if (!o->against[i].admin[0])
            return complain(why, "--against %s=… is missing: thread, pool and fresh are compared",
                            demo_server_name(i));
    o->pin = false;
    return true;
}

bool demo_options_parse(struct demo_options *o, int argc, char *const *argv, struct complaint *why)
{
    if (!options_parse(table, o, argc, argv, no_operand, "loadtest demo", why))
        return false;
    if (o->elsewhere && !o->help && !o->version && !check_against(o, why))
        return false;
    if (o->scenario_count > 0 && o->fault_given)
        return complain(why, "--kind and --share have no say with --scenario: its file says what "
                             "is done");
    fill_in(o);
    return true;
}

void demo_options_help(void)
{
    puts("usage: loadtest demo [options]\n"
         "Starts server-thread, server-proc (pool) and server-proc (fresh) one after\n"
         "another, puts the same load on each, steady and with poisoned requests, or as\n"
         "scenarios say, and compares them. With --against it starts none.\n");
    options_help(table, stdout);
    puts("\nExit status: 0 all was measured, 2 a server did not start, a run was invalid, or\n"
         "the servers' books do not agree with ours, 3 nothing was tested. What scenarios\n"
         "expect is reported, and does not change it.");
}
