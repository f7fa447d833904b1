/*
 * report_html_parts.h — sections of a run's page that have files of their own: what the faults cost
 * (report_html_faults.c), and what both ends say of themselves (report_html_ends.c).
 *
 * Each writes nothing where it has nothing to say. Included by report_html*.c only.
 */
#ifndef LOADTEST_REPORT_HTML_PARTS_H
#define LOADTEST_REPORT_HTML_PARTS_H

#include <stdio.h>

#include "../result.h"

/* "the warm-up", or whatever the steady run was. */
const char *steady_name(const struct result *r);

void section_victims(FILE *out, const struct result *r);
void section_recovery(FILE *out, const struct result *r);

void section_server(FILE *out, const struct result *r);
void section_tls(FILE *out, const struct result *r);
void section_generator(FILE *out, const struct result *r);

#endif
