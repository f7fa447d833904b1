/*
 * demo.c — start, warm up, measure, poison, measure, stop; three times.
 *
 * The order is the experiment: each subject is alone on the machine while it is measured, its
 * steady run is the yardstick for its own run under fault, and its CPU time is read around each
 * run.
 */
#include "demo.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo_result.h"
#include "interrupt.h"
#include "measure.h"
#include "output.h"
#include "run.h"
#include "subject.h"
#include "units.h"

enum { PATH_SIZE = 4096, ARGUMENTS = 32, FILE_BYTES = 1024 };

/* How each subject is started. */
static const struct {
    const char *name;
    const char *binary;
    const char *isolation; /* NULL: the option does not exist there */
} recipes[SUBJECTS] = {[THREAD] = {"thread", "server-thread/server-thread", NULL},
                       [POOL] = {"pool", "server-proc/server-proc", "pool"},
                       [FRESH] = {"fresh", "server-proc/server-proc", "fresh"}};

/* A folder that exists for the length of the demonstration. */
struct workshop {
    char folder[PATH_SIZE / 4];
    char root[PATH_SIZE / 2]; /* the servers' --root */
    char file[PATH_SIZE];     /* one.txt, 1 KiB */
    char log[PATH_SIZE];      /* the running server's stderr */
};

static bool workshop_open(struct workshop *w, struct complaint *why)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(w->folder, sizeof w->folder, "%s/tandem-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(w->folder))
        return complain(why, "cannot make a folder in %s: %s: set TMPDIR to one that is writable",
                        tmp && *tmp ? tmp : "/tmp", strerror(errno));
    snprintf(w->root, sizeof w->root, "%s/root", w->folder);
    snprintf(w->file, sizeof w->file, "%s/one.txt", w->root);
    snprintf(w->log, sizeof w->log, "%s/server.log", w->folder);
    FILE *out =
        mkdir(w->root, 0755) == 0 && chmod(w->folder, 0755) == 0 ? fopen(w->file, "w") : NULL;
    for (int i = 0; out && i < FILE_BYTES; i++)
        fputc(i % 64 == 63 ? '\n' : 'a' + i % 26, out);
    if (out && fclose(out) == 0)
        return true;
    return complain(why, "cannot write below %s: %s", w->folder, strerror(errno));
}

static void workshop_close(const struct workshop *w)
{
    unlink(w->log);
    unlink(w->file);
    rmdir(w->root);
    rmdir(w->folder);
}

/* The server gets the first CPU for itself, the client the others, so that neither takes the
 * other's time and "per core" means one core. Returns the server's CPU, or -1 when there are not
 * two. */
static int divide_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 2)
        return -1;
    int first = 0;
    while (!CPU_ISSET((size_t)first, &set))
        first++;
    CPU_CLR((size_t)first, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? first : -1;
}

/* build/release/loadtest/loadtest → build/release */
static bool find_servers(const struct demo_options *o, char *folder, size_t room,
                         struct complaint *why)
{
    if (o->servers) {
        snprintf(folder, room, "%s", o->servers);
        return true;
    }
    ssize_t n = readlink("/proc/self/exe", folder, room - 1);
    folder[n > 0 ? n : 0] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(folder, '/');
        if (!slash)
            return complain(why, "cannot tell where the servers are: use --servers DIR");
        *slash = '\0';
    }
    return true;
}

/* A command, and the texts in it that are made for it. */
struct command {
    char binary[2 * PATH_SIZE], ready[16], connections[16];
    const char *argv[ARGUMENTS];
};

static bool write_command(struct command *c, const struct demo *d, size_t index,
                          const struct workshop *w, struct complaint *why)
{
    char folder[PATH_SIZE];
    if (!find_servers(d->options, folder, sizeof folder, why))
        return false;
    snprintf(c->binary, sizeof c->binary, "%s/%s", folder, recipes[index].binary);
    snprintf(c->ready, sizeof c->ready, "%d", SUBJECT_READY_FD);
    snprintf(c->connections, sizeof c->connections, "%u", d->options->connections + 64);
    const char *always[] = {c->binary,     "--listen",        "127.0.0.1:0",   "--admin",
                            "127.0.0.1:0", "--ready-fd",      c->ready,        "--root",
                            w->root,       "--enable-faults", "--enable-demo", "--access-log",
                            "off",         "--log-level",     "error"};
    size_t n = sizeof always / sizeof always[0];
    memcpy(c->argv, always, sizeof always);
    if (d->options->connections > 512) { /* their default is ample for less */
        c->argv[n++] = "--max-connections";
        c->argv[n++] = c->connections;
    }
    if (d->options->workers) {
        c->argv[n++] = "--workers";
        c->argv[n++] = d->options->workers;
    }
    if (recipes[index].isolation) {
        c->argv[n++] = "--isolation";
        c->argv[n++] = recipes[index].isolation;
    }
    c->argv[n] = NULL;
    return access(c->binary, X_OK) == 0 ||
           complain(why,
                    "%s: %s: build it first (cmake --build --preset release), or say where the "
                    "servers are with --servers DIR",
                    c->binary, strerror(errno));
}

static void plan(struct run_options *o, const struct demo_options *demo, const char *url,
                 int64_t duration_ns)
{
    run_options_default(o);
    o->urls[o->url_count++] = url;
    o->connections = demo->connections;
    o->depth = demo->depth;
    o->duration_ns = duration_ns;
    o->warmup_ns = 0;
    o->seed = demo->seed;
    o->quiet = demo->quiet;
    o->dress.headers = o->headers;
}

static bool warm_up(const struct demo *d, const char *url, struct complaint *why)
{
    struct run_options o;
    struct result ignored;
    plan(&o, d->options, url, d->options->warmup_ns);
    o.quiet = true;
    if (!run_measure(&o, NULL, &ignored, why))
        return false;
    result_free(&ignored);
    return true;
}

/* Of the whole server where /proc may be read; else what its workers tell. */
static void weigh(struct demo_run *run)
{
    const struct server_side *told = &run->result.server;
    run->memory_of_workers = run->use.unreadable > 0 || run->use.pss_kib == 0;
    run->memory = run->memory_of_workers ? told->after.pss_bytes : run->use.pss_kib * 1024;
}

/* One measured run, with the server's CPU time read before and after it: by itself, or from /proc
 * where it does not tell. */
static bool measure(const struct run_options *o, const char *label, pid_t server,
                    struct demo_run *run, struct complaint *why)
{
    struct tree_usage before;
    bool known = tree_cpu(server, &before);
    if (!run_measure(o, label, &run->result, why))
        return false;
    known &= tree_cpu_and_memory(server, &run->use);
    const struct server_side *told = &run->result.server;
    double cpu_s = told->comparable && told->cpu_s >= 0 ? told->cpu_s
                   : known                              ? run->use.cpu_s - before.cpu_s
                                                        : -1;
    uint64_t answered = ledger_answered(&run->result.tally->ledger);
    run->cpu_us = cpu_s >= 0 && answered > 0 ? 1e6 * cpu_s / (double)answered : -1;
    weigh(run);
    run->done = true;
    return true;
}

/* The steady run measures itself by its own p99: what it has of slow requests, a run under fault
 * may have as well without being blamed. */
static void make_yardstick(struct result *steady, struct steady *yardstick)
{
    steady->steady.p99_us = hist_quantile_us(&steady->tally->corrected, 0.99);
    steady->steady.source = "this run itself";
    result_conclude(steady);
    *yardstick = (struct steady){.p99_us = steady->steady.p99_us,
                                 .victims = steady->victims.total,
                                 .rps = steady->rps,
                                 .success = ledger_success(&steady->tally->ledger),
                                 .source = "the steady run"};
}

static bool run_both(struct demo *d, size_t index, const struct subject *server,
                     struct complaint *why)
{
    struct demo_subject *s = &d->subjects[index];
    char url[SUBJECT_ADDRESS_MAX + 32], metrics[SUBJECT_ADDRESS_MAX + 32], label[64];
    struct run_options o;
    snprintf(url, sizeof url, "http://%s/one.txt", server->address);
    if (!warm_up(d, url, why))
        return false;

    plan(&o, d->options, url, d->options->duration_ns);
    snprintf(metrics, sizeof metrics, "http://%s/metrics", server->admin);
    o.server_metrics = metrics;
    snprintf(label, sizeof label, "%s, steady", s->name);
    if (!measure(&o, label, server->pid, &s->runs[STEADY], why))
        return false;
    s->runs[STEADY].result.command = d->command;
    make_yardstick(&s->runs[STEADY].result, &o.steady);
    if (interrupted())
        return complain(why, "interrupted");

    struct injection *injection = &o.injections[o.injection_count++];
    injection->share = d->options->share;
    memcpy(injection->kind, d->options->kind, sizeof injection->kind);
    snprintf(label, sizeof label, "%s, %g %% %s", s->name, 100 * d->options->share,
             d->options->kind);
    bool good = measure(&o, label, server->pid, &s->runs[FAULTY], why);
    s->runs[FAULTY].result.command = d->command;
    if (good)
        s->check = demo_check(d->options->kind, index == THREAD, &s->runs[FAULTY].result);
    return good;
}

static void run_subject(struct demo *d, size_t index, const struct workshop *w)
{
    struct demo_subject *s = &d->subjects[index];
    struct subject server;
    struct command command;
    s->name = recipes[index].name;
    if (interrupted()) {
        complain(&s->trouble, "interrupted");
        return;
    }
    if (!write_command(&command, d, index, w, &s->trouble))
        return;
    struct subject_plan how = {
        .argv = (char *const *)command.argv, .log = w->log, .cpu = d->server_cpu};
    unlink(w->log);
    if (!subject_start(&server, &how, &s->trouble))
        return;
    run_both(d, index, &server, &s->trouble);
    subject_stop(&server);
}

static int verdict(const struct demo *d)
{
    uint64_t answered = 0;
    bool complete = true;
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct demo_subject *s = &d->subjects[i];
        if (s->trouble.text[0])
            fprintf(stderr, "loadtest: %s: %s\n", s->name, s->trouble.text);
        for (size_t k = 0; k < RUNS; k++) {
            complete &= s->runs[k].done && !s->runs[k].result.invalid;
            if (s->runs[k].done)
                answered += ledger_answered(&s->runs[k].result.tally->ledger);
        }
        complete &= !s->runs[FAULTY].done || s->check.holds;
    }
    if (!complete)
        return EXIT_INVALID;
    return answered > 0 ? EXIT_HELD : EXIT_NOTHING_TESTED;
}

static bool anything_measured(const struct demo *d)
{
    for (size_t i = 0; i < SUBJECTS; i++)
        if (d->subjects[i].runs[STEADY].done)
            return true;
    return false;
}

enum { OUTPUT_JSON, OUTPUT_HTML, OUTPUTS };

static int tell(const struct demo *d, struct output *outputs)
{
    struct complaint why;
    if (anything_measured(d) && !outputs_take_stdout(outputs, OUTPUTS))
        demo_report(stdout, d);
    if (outputs[OUTPUT_JSON].file)
        demo_json(outputs[OUTPUT_JSON].file, d);
    if (outputs[OUTPUT_HTML].file && anything_measured(d))
        demo_html(outputs[OUTPUT_HTML].file, d);
    if (outputs_close(outputs, OUTPUTS, &why))
        return verdict(d);
    fprintf(stderr, "loadtest: %s\n", why.text);
    return EXIT_INVALID;
}

int demo_main(int argc, char *const *argv, const char *command)
{
    struct demo_options options;
    struct demo d = {.options = &options, .command = command, .server_cpu = -1};
    struct complaint why;
    struct workshop workshop;
    demo_options_default(&options);
    bool good = demo_options_parse(&options, argc, argv, &why);
    if (good && options.help) {
        demo_options_help();
        return EXIT_HELD;
    }
    if (good && options.version) {
        puts("loadtest " TANDEM_VERSION);
        return EXIT_HELD;
    }
    struct output outputs[OUTPUTS] = {
        [OUTPUT_JSON] = {options.json, NULL}, [OUTPUT_HTML] = {options.html, NULL}};
    if (!good || !outputs_open(outputs, OUTPUTS, &why) || !workshop_open(&workshop, &why)) {
        fprintf(stderr, "loadtest: %s\n", why.text);
        return EXIT_INVALID;
    }
    if (options.pin)
        d.server_cpu = divide_cpus();
    for (size_t i = 0; i < SUBJECTS; i++)
        run_subject(&d, i, &workshop);
    workshop_close(&workshop);
    int status = tell(&d, outputs);
    for (size_t i = 0; i < SUBJECTS; i++)
        for (size_t k = 0; k < RUNS; k++)
            if (d.subjects[i].runs[k].done)
                result_free(&d.subjects[i].runs[k].result);
    return status;
}
