/*
 * report_recovery.c — what each fault cost, with the definitions beside the figures.
 */
#include "../units.h"
#include "report.h"
#include "wrap.h"

enum { MARKS_TOLD = 12 /* as text; the JSON has all that are kept */ };

static size_t kept_marks(const struct result *r)
{
    return r->mark_count < MAX_MARKS ? r->mark_count : MAX_MARKS;
}

static void mark_lines(FILE *out, const struct result *r)
{
    for (size_t i = 0; i < kept_marks(r) && i < MARKS_TOLD; i++) {
        const struct mark *m = &r->marks[i];
        fprintf(out, "    %8.3f s  %-14s", (double)m->at_ns / 1e9, m->kind);
        if (!r->recovery.known)
            fputs("\n", out);
        else if (m->back_ns < 0)
            fputs("not back in band before the next fault, or the end\n", out);
        else if (m->back_ns == 0)
            fputs("the band was never left\n", out);
        else
            fprintf(out, "back in band after %.3f s\n", (double)m->back_ns / 1e9);
    }
    if (r->mark_count > MARKS_TOLD)
        fprintf(out, "    … and %zu more\n", r->mark_count - MARKS_TOLD);
}

static void band(FILE *out, const struct recovery *c, const char *source)
{
    char limit[SHORT_TEXT];
    paragraph(out,
              "recovery %s%.3f s, the longest, looked at in steps of %.0f ms. In band: half the "
              "rate of %s, 99 %% of its success, p99 ≤ %s; back: three steps in a row, and four "
              "in five of the second from there",
              c->complete ? "" : "at least ", c->seconds, c->resolution_s * 1e3, source,
              format_us((double)c->p99_limit_us, limit));
}

void recovery_text(FILE *out, const struct result *r)
{
    const struct recovery *c = &r->recovery;
    const struct victims *v = &r->victims;
    const char *source = r->steady.source ? r->steady.source : "a steady run";
    char sum[SHORT_TEXT], max[SHORT_TEXT], lost[SHORT_TEXT];
    if (v->slow + v->waiting > 0)
        paragraph(out, "delay to the slow ones: %s in all, %s at most, beyond the p99 of %s",
                  format_us(v->delay_sum_us, sum), format_us((double)v->delay_max_us, max), source);
    if (r->mark_count > 0) {
        fprintf(out, "\n  faults by time table\n");
        mark_lines(out, r);
    }
    if (c->known)
        band(out, c, source);
    if (c->goodput_known)
        paragraph(out, "goodput lost: %s answers that %s would have had%s",
                  format_count((uint64_t)(c->goodput_lost + 0.5), lost), source,
                  c->known ? " between the faults and the recovery" : ", in the whole run");
}

void recovery_json(struct json *j, const struct result *r)
{
    const struct recovery *c = &r->recovery;
    json_object(j, "victim_delay_us");
    json_real(j, "sum", r->victims.delay_sum_us);
    json_count(j, "max", (uint64_t)r->victims.delay_max_us);
    json_object_end(j);
    json_object(j, "recovery");
    json_bool(j, "known", c->known);
    json_bool(j, "complete", c->complete);
    json_real(j, "seconds", c->seconds);
    json_real(j, "resolution_s", c->resolution_s);
    json_count(j, "p99_limit_us", (uint64_t)c->p99_limit_us);
    json_array(j, "marks");
    for (size_t i = 0; i < kept_marks(r); i++) {
        json_object(j, NULL);
        j->compact = true;
        json_real(j, "at_s", (double)r->marks[i].at_ns / 1e9);
        json_text(j, "kind", r->marks[i].kind);
        if (c->known && r->marks[i].back_ns >= 0)
            json_real(j, "seconds", (double)r->marks[i].back_ns / 1e9);
        else
            json_null(j, "seconds");
        json_object_end(j);
        j->compact = false;
    }
    json_array_end(j);
    json_count(j, "mark_count", r->mark_count);
    json_object_end(j);
    if (c->goodput_known)
        json_real(j, "goodput_lost", c->goodput_lost);
    else
        json_null(j, "goodput_lost");
}
