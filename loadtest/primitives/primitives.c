/*
 * primitives.c — group after group, then the report.
 */
#include "primitives.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../interrupt.h"
#include "../report/output.h"
#include "../run.h"
#include "options.h"
#include "report.h"

static void survey(struct survey *s, const struct primitives_options *o)
{
    time_t now = time(NULL);
    struct tm utc;
    strftime(s->started, sizeof s->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
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

static int tell(const struct survey *s, struct output *json)
{
    struct complaint why;
    if (!outputs_take_stdout(json, 1))
        survey_text(stdout, s);
    if (json->file)
        survey_json(json->file, s);
    if (outputs_close(json, 1, &why))
        return verdict(s);
    fprintf(stderr, "loadtest: %s\n", why.text);
    return EXIT_INVALID;
}

int primitives_main(int argc, char *const *argv, const char *command)
{
    struct primitives_options options;
    struct survey s = {.command = command};
    struct complaint why;
    bool good = primitives_options_parse(&options, argc, argv, &why);
    if (good && options.help) {
        primitives_options_help();
        return EXIT_HELD;
    }
    if (good && options.version) {
        puts("loadtest " TANDEM_VERSION);
        return EXIT_HELD;
    }
    struct output json = {.name = options.json};
    if (!good || !outputs_open(&json, 1, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    survey(&s, &options);
    return tell(&s, &json);
}
