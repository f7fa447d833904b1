/*
 * report_server.c — the server's own side of the run, where it was asked for it.
 */
#include "report.h"

#include <inttypes.h>

#include "../units.h"

static void deaths(FILE *out, const struct server_side *s)
{
    char killed[SHORT_TEXT], processes[SHORT_TEXT];
    fprintf(out, "  requests it ended: %s", format_count(s->killed, killed));
    const char *before = " (";
    for (size_t i = 0; i < s->after.causes; i++) {
        uint64_t n = reconcile_killed(s, s->after.killed[i].cause);
        if (n == 0)
            continue;
        fprintf(out, "%s%s %" PRIu64, before, s->after.killed[i].cause, n);
        before = ", ";
    }
    fprintf(out, "%s; processes that died: %s\n", s->killed > 0 ? ")" : "",
            format_count(s->worker_deaths, processes));
}

void server_text(FILE *out, const struct result *r)
{
    const struct server_side *s = &r->server;
    char counted[SHORT_TEXT], answered[SHORT_TEXT], unseen[SHORT_TEXT], cpu[SHORT_TEXT],
        pss[SHORT_TEXT];
    if (!s->asked)
        return;
    fputs("\n  the server's own /metrics", out);
    if (!s->comparable) {
        fputs(": it was started again in between, and has lost its count\n", out);
        return;
    }
    fprintf(out, ", warm-up included\n  reconciled: %s. It counted %s; we saw %s answers",
            s->reconciled ? "yes" : "NO", format_count(s->counted, counted),
            format_count(s->answered, answered));
    if (s->unseen > 0)
        fprintf(out, ", and could not see %s", format_count(s->unseen, unseen));
    fprintf(out, " (difference %" PRId64 ")\n", s->difference);
    deaths(out, s);
    fprintf(out, "  CPU %s a request; memory of its workers (PSS) %s\n",
            format_us(reconcile_cpu_us(s), cpu),
            s->after.pss_bytes > 0 ? format_bytes((double)s->after.pss_bytes, pss) : "-");
}

static void killed(struct json *j, const struct server_side *s)
{
    json_object(j, "killed");
    for (size_t i = 0; i < s->after.causes; i++)
        json_count(j, s->after.killed[i].cause, reconcile_killed(s, s->after.killed[i].cause));
    json_object_end(j);
}

void server_json(struct json *j, const struct result *r)
{
    const struct server_side *s = &r->server;
    if (!s->asked) {
        json_null(j, "server");
        return;
    }
    json_object(j, "server");
    if (s->comparable) {
        json_bool(j, "reconciled", s->reconciled);
        json_count(j, "counted", s->counted);
        json_real(j, "difference", (double)s->difference);
        killed(j, s);
        json_count(j, "worker_deaths", s->worker_deaths);
    } else {
        json_null(j, "reconciled");
    }
    json_count(j, "answered", s->answered);
    json_count(j, "unseen", s->unseen);
    if (reconcile_cpu_us(s) >= 0)
        json_real(j, "cpu_us_per_request", reconcile_cpu_us(s));
    else
        json_null(j, "cpu_us_per_request");
    if (s->after.pss_bytes > 0)
        json_count(j, "workers_pss_bytes", s->after.pss_bytes);
    else
        json_null(j, "workers_pss_bytes");
    json_object_end(j);
}
