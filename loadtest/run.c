/*
 * run.c — `loadtest run`: one measured run, and what is told about it.
 */
#include "run.h"

#include <stdio.h>

#include "hlog/runlog.h"
#include "measure.h"
#include "report/output.h"
#include "report/report.h"
#include "report/report_html.h"
#include "server/stage.h"

enum { OUTPUT_JSON, OUTPUT_CSV, OUTPUT_HTML, OUTPUTS };

static int verdict(const struct run_options *o, const struct result *r)
{
    if (r->invalid)
        return EXIT_INVALID;
    if (ledger_answered(&r->tally->ledger) == 0)
        return EXIT_NOTHING_TESTED;
    for (size_t i = 0; i < o->expectation_count; i++) {
        double measured;
        if (!expectation_holds(&o->expectations[i], r, &measured))
            return EXIT_FAILED;
    }
    return EXIT_HELD;
}

/* What heads a page: the URL, or the first of several. */
static const char *target_name(const struct run_options *o, char *text, size_t room)
{
    size_t count = o->url_count + o->listed.count;
    if (count > 1)
        snprintf(text, room, "%s and %zu more", run_options_first_url(o), count - 1);
    else
        snprintf(text, room, "%s", run_options_first_url(o));
    return text;
}

static int tell(const struct run_options *o, const struct result *r, struct output *outputs)
{
    int status = verdict(o, r);
    char target[1024];
    struct complaint why;
    if (!outputs_take_stdout(outputs, OUTPUTS))
        report_text(stdout, r, o->expectations, o->expectation_count);
    if (outputs[OUTPUT_JSON].file)
        report_json(outputs[OUTPUT_JSON].file, r, o->expectations, o->expectation_count);
    if (outputs[OUTPUT_CSV].file)
        report_csv(outputs[OUTPUT_CSV].file, r);
    if (outputs[OUTPUT_HTML].file)
        report_html(outputs[OUTPUT_HTML].file, r, target_name(o, target, sizeof target),
                    o->expectations, o->expectation_count);
    if (!outputs_close(outputs, OUTPUTS, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    if (status == EXIT_NOTHING_TESTED)
        fprintf(stderr,
                "loadtest: nothing was tested: no request was answered; is a server "
                "listening at %s?\n",
                run_options_first_url(o));
    return status;
}

/* The run, with the server of --start up for as long as it takes; false: there was none. */
static bool measure_on_stage(struct run_options *o, struct stage *stage, struct result *result,
                             struct complaint *why)
{
    if (o->hlog && !(o->log = runlog_open(o->hlog, why)))
        return false;
    bool good = run_measure(o, NULL, result, why);
    stage_stop(stage);
    struct complaint not_logged;
    if (!o->log || runlog_close(o->log, &not_logged))
        return good;
    if (good) {
        result_free(result);
        *why = not_logged;
    }
    return false;
}

static int measure_and_tell(struct run_options *o, const char *command)
{
    struct stage stage;
    struct complaint why;
    struct result result;
    struct output outputs[OUTPUTS] = {[OUTPUT_JSON] = {o->json, NULL},
                                      [OUTPUT_CSV] = {o->csv, NULL},
                                      [OUTPUT_HTML] = {o->html, NULL}};
    int status = EXIT_INVALID;
    if (!outputs_open(outputs, OUTPUTS, &why) || !stage_open(&stage, o, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        outputs_give_up(outputs, OUTPUTS);
        return status;
    }
    if (measure_on_stage(o, &stage, &result, &why)) {
        result.command = command;
        status = tell(o, &result, outputs);
        result_free(&result);
    } else {
        fprintf(stderr, "loadtest: %s\n", why.text);
        outputs_give_up(outputs, OUTPUTS);
    }
    stage_close(&stage);
    return status;
}

int run_main(int argc, char *const *argv, const char *command)
{
    struct run_options options;
    struct complaint why;
    int status = EXIT_HELD;
    run_options_default(&options);
    if (!run_options_parse(&options, argc, argv, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        status = EXIT_INVALID;
    } else if (options.help) {
        run_options_help(stdout);
    } else if (options.version) {
        puts("loadtest " TANDEM_VERSION);
    } else {
        status = measure_and_tell(&options, command);
    }
    run_options_free(&options);
    return status;
}
