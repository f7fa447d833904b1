/*
 * page.c — see page.h. The style sheet is page.css, which the build puts into the program.
 */
#include "page.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../machine.h"
#include "../units.h"
#include "html.h"

extern const char page_css[]; /* made from page.css by CMakeLists.txt */

void page_open(FILE *out, const char *kicker, const char *title, const char *subtitle)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; img-src data:\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"generator\" content=\"loadtest " TANDEM_VERSION "\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
          out);
    html_text(out, title);
    fputs(" – loadtest</title>\n<style>\n", out);
    fputs(page_css, out);
    fputs("</style>\n</head>\n<body>\n<header>\n", out);
    html_element(out, "p", "kicker", kicker);
    html_element(out, "h1", NULL, title);
    html_element(out, "p", "subtitle", subtitle);
    fputs("</header>\n<main>\n", out);
}

void page_close(FILE *out)
{
    fputs("</main>\n<footer>\n", out);
    html_element(out, "p", NULL,
                 "Written by loadtest " TANDEM_VERSION ". This file needs nothing but itself.");
    fputs("</footer>\n</body>\n</html>\n", out);
}

void page_part(FILE *out, const char *title, const char *subtitle)
{
    fputs("<header class=\"part\">\n", out);
    html_element(out, "h2", "title", title);
    html_element(out, "p", "subtitle", subtitle);
    fputs("</header>\n", out);
}

void page_section(FILE *out, const char *heading, const char *explanation)
{
    fputs("<section>\n", out);
    html_element(out, "h2", NULL, heading);
    if (explanation)
        html_element(out, "p", "explanation", explanation);
}

void page_section_end(FILE *out)
{
    fputs("</section>\n", out);
}

static void verdict_open(FILE *out, const char *kind, const char *word, const char *who)
{
    fprintf(out, "<div class=\"verdict %s\">\n", kind);
    html_element(out, "strong", NULL, word);
    if (who)
        html_elementf(out, "span", NULL, "%s:", who);
}

void page_verdict(FILE *out, const char *who, const struct result *r)
{
    char n[SHORT_TEXT];
    if (r->invalid) {
        verdict_open(out, "bad", "Invalid", who);
        html_elementf(out, "span", NULL, "These figures must not be used: %s.", r->invalid);
        if (r->limited_why)
            html_elementf(out, "span", NULL, "(%s.)", r->limited_why);
    } else if (r->limited) {
        verdict_open(out, "doubt", "Generator-limited", who);
        html_elementf(out, "span", NULL, "%s.", r->limited_why);
    } else {
        verdict_open(out, "good", "Valid", who);
        html_elementf(out, "span", NULL,
                      "Each of the %s requests is accounted for, and the generator was not the "
                      "bottleneck.",
                      format_count(r->tally->ledger.scheduled, n));
    }
    fputs("</div>\n", out);
}

void page_verdict_all(FILE *out, size_t runs, uint64_t requests)
{
    char n[SHORT_TEXT];
    verdict_open(out, "good", "Valid", NULL);
    html_elementf(out, "span", NULL,
                  "In all %zu runs. Each of the %s requests is accounted for, and the generator "
                  "was not the bottleneck.",
                  runs, format_count(requests, n));
    fputs("</div>\n", out);
}

void page_box(FILE *out, const char *kind, const char *word, const char *text)
{
    verdict_open(out, kind, word, NULL);
    html_element(out, "span", NULL, text);
    fputs("</div>\n", out);
}

/* ── Figures ───────────────────────────────────────────────────────────────────────────────── */

static const struct plot_size sizes[] = {{900, 250, "wide"}, {360, 230, "narrow"}};

static void key(FILE *out, unsigned colour, const char *shape, const char *name)
{
    fprintf(out, "<li><i class=\"%s\" style=\"--c:var(--plot-%s)\"></i>", shape,
            plot_colour_name(colour));
    html_text(out, name);
    fputs("</li>\n", out);
}

static void legend(FILE *out, const struct plot *p)
{
    fputs("<ul class=\"legend\">\n", out);
    for (size_t i = 0; i < p->series_count; i++)
        key(out, p->series[i].colour,
            p->series[i].thin     ? "thin"
            : p->series[i].dashed ? "dashed"
                                  : "line",
            p->series[i].name);
    size_t faults = 0;
    for (size_t i = 0; i < p->mark_count; i++)
        faults += p->marks[i].colour == PLOT_FAULT;
    if (faults > 0)
        key(out, PLOT_FAULT, "mark", "something was done on purpose");
    if (p->band_count > 0)
        key(out, PLOT_FAULT, "band", "faults were being injected");
    fputs("</ul>\n", out);
}

void page_figure(FILE *out, const struct plot *p, void (*table)(FILE *out, const void *data),
                 const void *data)
{
    struct complaint why;
    bool drawn = true;
    fputs("<figure>\n", out);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && drawn; i++)
        drawn = plot_draw(p, &sizes[i], out, &why);
    if (drawn)
        legend(out, p);
    else
        html_elementf(out, "p", "missing", "No diagram here: %s. Its numbers follow.", why.text);
    fprintf(out, "<details%s><summary>The numbers</summary>\n", drawn ? "" : " open");
    table(out, data);
    fputs("</details>\n</figure>\n", out);
}

/* ── Provenance ────────────────────────────────────────────────────────────────────────────── */

static void fact(FILE *out, const char *name, const char *value)
{
    fputs("<dt>", out);
    html_text(out, name);
    fputs("</dt><dd>", out);
    html_text(out, value);
    fputs("</dd>\n", out);
}

void page_provenance(FILE *out, const char *command, const char *started, uint64_t seed)
{
    struct machine m;
    char text[256], memory[SHORT_TEXT];
    machine_look(&m);
    page_section(out, "How this was measured", NULL);
    html_element(out, "pre", "command", command ? command : "");
    fputs("<dl>\n", out);
    fact(out, "Started", started);
    snprintf(text, sizeof text, "%" PRIu64, seed);
    fact(out, "Seed", text);
    fact(out, "Version", "loadtest " TANDEM_VERSION);
    fact(out, "CPU", m.cpu);
    snprintf(text, sizeof text, "%u, of which loadtest may use %u", m.cores, m.usable);
    fact(out, "Logical CPUs", text);
    fact(out, "Memory", format_bytes((double)m.memory, memory));
    fact(out, "Kernel", m.kernel);
    if (m.system[0])
        fact(out, "System", m.system);
    fputs("</dl>\n", out);
    page_section_end(out);
}
