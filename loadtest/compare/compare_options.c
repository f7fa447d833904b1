/*
 * compare_options.c — most options are borrowed from `run`, so that what they mean is said once.
 */
#include "compare_options.h"

#include <stdio.h>
#include <string.h>

#include "../optparse.h"
#include "../units.h"
#include "stats.h"

#define WARMUP_NS (50 * NS_PER_MS)
#define ROUND_MIN_NS (50 * NS_PER_MS)

/* What `run` has as well. A help text of NULL: the same here as there. */
static const struct {
    const char *name;
    const char *help;
} borrowed[] = {
    {"connections", NULL},
    {"threads", NULL},
    {"duration", "measured time of each subject, its rounds together (10s)"},
    {"rate", NULL},
    {"pipeline", NULL},
    {"method", NULL},
    {"header", NULL},
    {"body", NULL},
    {"body-size", NULL},
    {"no-keepalive", NULL},
    {"insecure", NULL},
    {"cacert", NULL},
    {"cert", NULL},
    {"key", NULL},
    {"tls-version", NULL},
    {"tls-resume", NULL},
    {"timeout", NULL},
    {"warmup", "before each round, not counted (50ms)"},
    {"seed", "of the order in each round, and of the intervals (1)"},
    {"json", NULL},
    {"csv", "the rounds, a row for each and each subject"},
    {"html", NULL},
    {"quiet", NULL},
    {"help", NULL},
    {"version", NULL},
};

enum { BORROWED = sizeof borrowed / sizeof borrowed[0] };

static bool set_rounds(void *into, const char *value, struct complaint *why)
{
    int64_t n = 0;
    bool good = parse_count(value, STATS_MIN, STATS_MAX, &n);
    ((struct compare_options *)into)->rounds = (unsigned)n;
    return good ||
           complain(why, "\"%s\" is not a whole number from %d to %d", value, STATS_MIN, STATS_MAX);
}

static const struct option_spec own[] = {
    {0, "rounds", "N", "into how many turns that time is cut (50)", set_rounds}};

enum { OWN = sizeof own / sizeof own[0], ALL = BORROWED + OWN };

static void make_table(struct option_spec table[ALL + 1])
{
    for (size_t i = 0; i < BORROWED; i++) {
        table[i] = *run_option(borrowed[i].name);
        if (borrowed[i].help)
            table[i].help = borrowed[i].help;
    }
    memcpy(table + BORROWED, own, sizeof own);
    table[ALL] = (struct option_spec){.name = NULL};
}

static bool add_subject(void *into, const char *text, struct complaint *why)
{
    struct compare_options *o = into;
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (length == 0 || text[length] != '=' || text[length + 1] == '\0')
        return complain(why,
                        "\"%s\" is not NAME=URL, such as old=http://127.0.0.1:8080/ (a name has "
                        "letters, digits, and . _ -)",
                        text);
    if (length >= COMPARE_NAME_SIZE)
        return complain(why, "the name %.*s is longer than %d bytes: shorten it", (int)length, text,
                        COMPARE_NAME_SIZE - 1);
    if (o->subject_count == COMPARE_MAX)
        return complain(why, "there can be %d subjects at most", COMPARE_MAX);
    char *name = o->subjects[o->subject_count].name;
    memcpy(name, text, length);
    name[length] = '\0';
    for (size_t i = 0; i < o->subject_count; i++)
        if (strcmp(o->subjects[i].name, name) == 0)
            return complain(why, "two subjects are called %s: rename one", name);
    o->subjects[o->subject_count++].url = text + length + 1;
    return true;
}

void compare_options_default(struct compare_options *o)
{
    memset(o, 0, sizeof *o);
    run_options_default(&o->load);
    o->load.warmup_ns = WARMUP_NS;
    o->rounds = 50;
}

bool compare_options_parse(struct compare_options *o, int argc, char *const *argv,
                           struct complaint *why)
{
    struct option_spec table[ALL + 1];
    make_table(table);
    if (!options_parse(table, o, argc, argv, add_subject, "loadtest compare", why))
        return false;
    if (o->load.help || o->load.version)
        return true;
    if (o->subject_count < 2)
        return complain(why,
                        "%s: loadtest compare old=http://127.0.0.1:8080/ "
                        "new=http://127.0.0.1:8081/",
                        o->subject_count == 0 ? "which servers?" : "with what? Name a second one");
    o->load.url_count = 1;
    if (!run_options_settle(&o->load, why))
        return false;
    o->load.duration_ns /= o->rounds;
    if (o->load.duration_ns < ROUND_MIN_NS)
        return complain(why,
                        "each of %u rounds would last %.3g ms, and 50 are needed: raise -d, or "
                        "lower --rounds",
                        o->rounds, (double)o->load.duration_ns / 1e6);
    return true;
}

void compare_options_help(void)
{
    struct option_spec table[ALL + 1];
    make_table(table);
    puts("usage: loadtest compare [options] NAME=URL NAME=URL...\n"
         "Loads the servers in turns, and tells how each compares with the first: faster, slower, "
         "or no\ndifference shown.\n");
    options_help(table, stdout);
    puts("\nExit status: 0 they were compared, whatever came out, 2 they could not be, 3 nothing "
         "was tested.");
}
