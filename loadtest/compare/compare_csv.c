/*
 * compare_csv.c — every round for a spreadsheet or a plotter of one's own: one row for each subject's
 * turn, in the order of the rounds. Names have no character that CSV would want quoted.
 */
#include <inttypes.h>
#include <math.h>

#include "compare.h"

static void row(FILE *out, size_t number, const char *name, const struct round *r)
{
    fprintf(out, "%zu,%s,%.6f,%.6f", number, name, r->at_s, r->seconds);
    for (unsigned f = 0; f < FIGURES; f++) {
        fputc(',', out);
        if (isfinite(r->figures[f]))
            fprintf(out, "%.10g", r->figures[f]);
    }
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d,%d\n", r->ok, r->failed, r->limited, !r->invalid);
}

void compare_csv(FILE *out, const struct comparison *c)
{
    fputs("round,subject,at_s,seconds", out);
    for (unsigned f = 0; f < FIGURES; f++)
        fprintf(out, ",%s", figure_key((enum figure)f));
    fputs(",ok,failed,generator_limited,used\n", out);
    for (size_t i = 0; i < c->rounds_done; i++)
        for (size_t k = 0; k < c->options->subject_count; k++)
            row(out, i + 1, c->subjects[k].name, &c->subjects[k].rounds[i]);
}
