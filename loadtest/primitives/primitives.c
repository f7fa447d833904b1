/*
 * primitives.c — group after group, then the report.
 */
#include "primitives.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../interrupt.h"
#include "../run.h"
#include "options.h"
#include "report.h"

static void survey(struct survey *s, const struct primitives_options *o)
{
    time_t now = time(NULL);
    struct tm utc;
    strftime(s->started, sizeof s->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    machine_read(&s->machine);
    s->plan = o->quick ? &quick_plan : &full_plan;
    for (size_t i = 0; i < GROUPS && !interrupted(); i++) {
        if (o->only && o->only != primitive_groups[i])
            continue;
        if (!o->quiet)
            fprintf(stderr, "loadtest: %s\n", primitive_groups[i]->title);
        measure_group(primitive_groups[i], s->plan, &s->findings[s->count++]);
    }
}

static int verdict(const struct survey *s)
{
    if (interrupted()) {
        fputs("loadtest: interrupted: what is missing was not measured\n", stderr);
        return EXIT_INVALID;
    }
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->findings[i].group->count; k++)
            if (s->findings[i].figures[k].measured)
                return EXIT_HELD;
    return EXIT_NOTHING_TESTED;
}

static int tell(const struct survey *s, const char *name, FILE *json)
{
    FILE *last = json ? json : stdout;
    if (json != stdout)
        survey_text(stdout, s);
    if (json)
        survey_json(json, s);
    bool written = fflush(stdout) == 0 && fflush(last) == 0 && !ferror(last) && !ferror(stdout);
    if (json && json != stdout)
        written &= fclose(json) == 0;
    if (written)
        return verdict(s);
    fprintf(stderr, "loadtest: cannot write %s: %s\n", name ? name : "the report", strerror(errno));
    return EXIT_INVALID;
}

int primitives_main(int argc, char *const *argv, const char *command)
{
    struct primitives_options options;
    struct survey s = {.command = command};
    struct complaint why;
    FILE *json = NULL;
    bool good = primitives_options_parse(&options, argc, argv, &why);
    if (good && options.help) {
        primitives_options_help();
        return EXIT_HELD;
    }
    if (good && options.version) {
        puts("loadtest " TANDEM_VERSION);
        return EXIT_HELD;
    }
    if (!good || !open_json(options.json, &json, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    survey(&s, &options);
    return tell(&s, options.json, json);
}
