/*
 * page.h — what every page of loadtest has in common: head, style, sections, and its last section,
 * on what machine and by what command it was made. Included by those
 * files only that write pages.
 */
#ifndef LOADTEST_PAGE_H
#define LOADTEST_PAGE_H

#include <stdio.h>

#include "../result.h"
#include "plot.h"

/* Opens the page; `kicker` is the small line above the title. */
void page_open(FILE *out, const char *kicker, const char *title, const char *subtitle);
void page_close(FILE *out);

/* The head of a part of the page that has several sections of its own. */
void page_part(FILE *out, const char *title, const char *subtitle);

/* A section up to page_section_end(); the explanation may be NULL. */
void page_section(FILE *out, const char *heading, const char *explanation);
void page_section_end(FILE *out);

/* Valid, generator-limited or invalid, with the reason. `who` names the run among several; NULL:
 * it is the only one. */
void page_verdict(FILE *out, const char *who, const struct result *r);
/* The same for all `runs` of a page when they are valid and not limited. */
void page_verdict_all(FILE *out, size_t runs, uint64_t requests);
/* A verdict in the caller's words; `kind` is "good", "even", "doubt" or "bad". */
void page_box(FILE *out, const char *kind, const char *word, const char *text);

/* A diagram for wide and one for narrow screens, its legend, and, folded up below it, its numbers:
 * `table` writes them, with `data` passed on. Without gnuplot a line says so, and the table is
 * unfolded. */
void page_figure(FILE *out, const struct plot *p, void (*table)(FILE *out, const void *data),
                 const void *data);

/* How to get the same figures again: command, seed, machine, versions. */
void page_provenance(FILE *out, const char *command, const char *started, uint64_t seed);

#endif
