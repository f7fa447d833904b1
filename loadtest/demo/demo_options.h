/*
 * demo_options.h — the options of `loadtest demo`.
 */
#ifndef LOADTEST_DEMO_OPTIONS_H
#define LOADTEST_DEMO_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "../complaint.h"
#include "../server/subject.h"
#include "../target/target.h"

enum { THREAD, POOL, FRESH, SUBJECTS };
enum { DEMO_SCENARIOS = 64 };

/* A subject that somebody else has started, perhaps on another machine. */
struct demo_elsewhere {
    char address[SUBJECT_ADDRESS_MAX]; /* HOST:PORT; "": none was given */
    char admin[SUBJECT_ADDRESS_MAX];
};

/* Texts point into argv. What was not given is 0, or NULL, until it is known what it is for. */
struct demo_options {
    const char *scenarios[DEMO_SCENARIOS]; /* as given, "all" among them; none: the experiment */
    size_t scenario_count;
    /* With scenarios the first is the most that a run may last, and `connections`, `depth` and
     * `seed` are 0 or `seed_given` false where the files decide. */
    int64_t duration_ns, warmup_ns;
    unsigned connections, depth;
    double share;
    char kind[KIND_SIZE]; /* of the fault */
    uint64_t seed;
    const char *servers; /* folder that holds the servers, or a folder for each; NULL: beside us */
    struct demo_elsewhere against[SUBJECTS]; /* with --against all of them, else none */
    bool elsewhere;
    const char *workers;     /* passed on to the servers; NULL: their default */
    const char *json, *html; /* file names, "-" for stdout */
    bool pin, quiet, help, version;
    bool seed_given, fault_given; /* --kind or --share */
};

void demo_options_default(struct demo_options *o);
bool demo_options_parse(struct demo_options *o, int argc, char *const *argv, struct complaint *why);
void demo_options_help(void);

#endif
