/*
 * demo_measure.c — see demo_measure.h.
 */
#include "demo_measure.h"

#include "../measure.h"

/* Of the whole server where /proc may be read; else what its workers tell. */
static void weigh(struct demo_run *run)
{
    const struct server_side *told = &run->result.server;
    run->memory_of_workers = run->use.unreadable > 0 || run->use.pss_kib == 0;
    run->memory = run->memory_of_workers ? told->after.pss_bytes : run->use.pss_kib * 1024;
}

bool demo_measure(const struct run_options *o, const char *label, const struct subject *server,
                  struct demo_run *run, struct complaint *why)
{
    struct tree_usage before;
    pid_t pid = server->pid;
    bool known = tree_cpu(pid, &before);
    if (!run_measure(o, label, &run->result, why))
        return false;
    known &= tree_cpu_and_memory(server->pid, &run->use);
    known &= server->pid == pid; /* one that was started again has taken its CPU time with it */
    const struct server_side *told = &run->result.server;
    double cpu_s = told->comparable && told->cpu_s >= 0 ? told->cpu_s
                   : known                              ? run->use.cpu_s - before.cpu_s
                                                        : -1;
    uint64_t answered =
        ledger_answered(&run->result.tally->ledger) + ledger_answered(&run->result.warmup->ledger);
    run->cpu_us = cpu_s >= 0 && answered > 0 ? 1e6 * cpu_s / (double)answered : -1;
    weigh(run);
    run->done = true;
    return true;
}

void demo_yardstick(struct result *steady, struct steady *yardstick)
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
