/*
 * demo.c — `loadtest demo`: asks for the experiment or for scenarios, and tells what came out.
 */
#include "demo.h"

#include <stdio.h>

#include "../interrupt.h"
#include "../report/output.h"
#include "../run.h"
#include "demo_experiment.h"
#include "demo_plan.h"
#include "demo_scenarios.h"
#include "demo_server.h"

/* Every run there is, done or not: number `i` from 0 on; NULL after the last. */
static const struct demo_run *each_run(const struct demo *d, size_t i)
{
    if (d->scenario_count > 0)
        return i < d->scenario_count * SUBJECTS
                   ? &d->scenarios[i / SUBJECTS].cases[i % SUBJECTS].run
                   : NULL;
    return i < SUBJECTS * RUNS ? &d->subjects[i / RUNS].runs[i % RUNS] : NULL;
}

static bool anything_measured(const struct demo *d)
{
    const struct demo_run *run;
    for (size_t i = 0; (run = each_run(d, i)); i++)
        if (run->done)
            return true;
    return false;
}

static int verdict(const struct demo *d)
{
    uint64_t answered = 0;
    const struct demo_run *run;
    bool scenarios = d->scenario_count > 0;
    for (size_t i = 0; (run = each_run(d, i)); i++)
        if (run->done)
            answered += ledger_answered(&run->result.tally->ledger);
    if (!(scenarios ? demo_scenarios_complete(d) : demo_experiment_complete(d)))
        return EXIT_INVALID;
    return answered > 0 ? EXIT_HELD : EXIT_NOTHING_TESTED;
}

enum { OUTPUT_JSON, OUTPUT_HTML, OUTPUTS };

static void tell_troubles(const struct demo *d)
{
    if (interrupted()) { /* whatever is missing is so for this reason */
        fputs("loadtest: interrupted\n", stderr);
        return;
    }
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_subject *s = &d->subjects[i];
        if (s->trouble.text[0])
            fprintf(stderr, "loadtest: %s: %s\n", s->name, s->trouble.text);
        for (size_t k = 0; k < d->scenario_count; k++)
            if (d->scenarios[k].cases[i].trouble.text[0])
                fprintf(stderr, "loadtest: %s, %s: %s\n", d->scenarios[k].name, s->name,
                        d->scenarios[k].cases[i].trouble.text);
    }
}

static int tell(const struct demo *d, struct output *outputs)
{
    struct complaint why;
    bool scenarios = d->scenario_count > 0, measured = anything_measured(d);
    if (measured && !outputs_take_stdout(outputs, OUTPUTS))
        (scenarios ? demo_scenarios_report : demo_report)(stdout, d);
    if (outputs[OUTPUT_JSON].file)
        demo_json(outputs[OUTPUT_JSON].file, d);
    if (outputs[OUTPUT_HTML].file && measured)
        (scenarios ? demo_scenarios_html : demo_html)(outputs[OUTPUT_HTML].file, d);
    tell_troubles(d);
    if (outputs_close(outputs, OUTPUTS, &why))
        return verdict(d);
    fprintf(stderr, "loadtest: %s\n", why.text);
    return EXIT_INVALID;
}

/* All of it, once it is known what is wanted. */
static int demonstrate(struct demo *d, struct output *outputs)
{
    struct workshop workshop = {.folder = ""};
    struct complaint why;
    bool ours = !d->options->elsewhere; /* else no server needs anything from us */
    if (!outputs_open(outputs, OUTPUTS, &why) || (ours && !workshop_open(&workshop, &why))) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        outputs_give_up(outputs, OUTPUTS);
        return EXIT_INVALID;
    }
    if (d->options->pin)
        d->server_cpu = demo_divide_cpus();
    for (size_t i = 0; i < SUBJECTS; i++)
        d->subjects[i].name = demo_server_name(i);
    if (d->scenario_count > 0)
        demo_scenarios(d, &workshop);
    else
        demo_experiment(d, &workshop);
    if (ours)
        workshop_close(&workshop);
    int status = tell(d, outputs);
    demo_experiment_free(d);
    return status;
}

int demo_main(int argc, char *const *argv, const char *command)
{
    struct demo_options options;
    struct demo d = {.options = &options, .command = command, .server_cpu = -1};
    struct complaint why;
    int status = EXIT_HELD;
    demo_options_default(&options);
    bool good = demo_options_parse(&options, argc, argv, &why);
    if (good && options.help)
        demo_options_help();
    else if (good && options.version)
        puts("loadtest " TANDEM_VERSION);
    else if (good && demo_plan(&d, &why))
        status = demonstrate(
            &d, (struct output[OUTPUTS]){
                    [OUTPUT_JSON] = {options.json, NULL}, [OUTPUT_HTML] = {options.html, NULL}});
    else
        status = EXIT_INVALID, fprintf(stderr, "loadtest: %s\n", why.text);
    demo_scenarios_free(&d);
    return status;
}
