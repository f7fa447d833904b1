/*
 * progress.c — see progress.h.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../units.h"
#include "sparkline.h"

enum { NARROW = 60 /* columns: below that there are no legends */ };

void progress_init(struct progress *p, bool on, const char *label, int64_t length_ns)
{
    memset(p, 0, sizeof *p);
    p->on = on;
    p->label = label;
    p->length_ns = length_ns;
    panel_init(&p->panel, terminal_at(STDERR_FILENO));
}

static void plain_line(const struct progress *p, const char *text)
{
    fprintf(stderr, "%s%s%s\n", p->label ? p->label : "", p->label ? ": " : "", text);
    fflush(stderr);
}

static void plain_second(const struct progress *p, const struct timeline_row *row, int64_t index)
{
    char text[160], ok[SHORT_TEXT], p99[SHORT_TEXT];
    format_us((double)row->p99_us, p99);
    int width = 9 + (strstr(p99, "µ") != NULL); /* two bytes, one column */
    int n = snprintf(text, sizeof text,
                     "%4" PRId64 " s  %9s ok/s  p99 %*s  failed %" PRIu64 "  injected %" PRIu64,
                     index + 1, format_count(row->ok, ok), width, p99, row->failed, row->injected);
    if (row->tls_full + row->tls_resumed > 0)
        snprintf(text + n, sizeof text - (size_t)n, "  TLS full %" PRIu64 " resumed %" PRIu64,
                 row->tls_full, row->tls_resumed);
    plain_line(p, text);
}

/* ── The panel, line by line ───────────────────────────────────────────────────────────────── */

static void heading(struct progress *p, const char *text)
{
    struct panel *panel = &p->panel;
    if (p->label) {
        panel_add(panel, PANEL_BOLD, p->label);
        panel_add(panel, PANEL_PLAIN, "   ");
    }
    panel_add(panel, PANEL_FAINT, text);
    panel_line(panel);
}

/* A latency in the characters the terminal has. */
static const char *latency(const struct progress *p, int64_t us, char out[SHORT_TEXT])
{
    format_us((double)us, out);
    char *micro = strstr(out, "µ");
    if (micro && !p->panel.terminal.utf8) {
        *micro = 'u';
        memmove(micro + 1, micro + 2, strlen(micro + 2) + 1);
    }
    return out;
}

static void figures(struct progress *p, const struct timeline_row *row)
{
    struct panel *panel = &p->panel;
    char text[96], n[SHORT_TEXT], p50[SHORT_TEXT], p99[SHORT_TEXT];
    panel_add(panel, PANEL_BOLD, format_count(row->ok, n));
    panel_add(panel, PANEL_PLAIN, " ok/s");
    if (row->ok > 0 && panel->columns >= NARROW) {
        snprintf(text, sizeof text, "   p50 %s", latency(p, row->p50_us, p50));
        panel_add(panel, PANEL_PLAIN, text);
    }
    if (row->ok > 0) {
        snprintf(text, sizeof text, "   p99 %s", latency(p, row->p99_us, p99));
        panel_add(panel, PANEL_PLAIN, text);
    }
    snprintf(text, sizeof text, "   failed %s", format_count(row->failed, n));
    panel_add(panel, row->failed > 0 ? PANEL_ALARM : PANEL_FAINT, text);
    snprintf(text, sizeof text, "   injected %s", format_count(row->injected, n));
    panel_add(panel, row->injected > 0 ? PANEL_ACCENT : PANEL_FAINT, text);
    panel_line(panel);
}

/* From the first second on in which there was a handshake; the panel does not jump up and down. */
static void handshakes(struct progress *p, const struct timeline_row *row)
{
    char text[96], full[SHORT_TEXT], resumed[SHORT_TEXT];
    p->shaken |= row->tls_full + row->tls_resumed > 0;
    if (!p->shaken)
        return;
    snprintf(text, sizeof text, "TLS handshakes/s: %s full, %s resumed",
             format_count(row->tls_full, full), format_count(row->tls_resumed, resumed));
    panel_add(&p->panel, PANEL_PLAIN, text);
    panel_line(&p->panel);
}

/* The seconds that are shown: `count` of them, from `first` on. */
struct view {
    int64_t first, count;
    uint64_t peak;
    bool marked; /* there is something to be shown below them */
};

static const struct timeline_row *row_at(const struct progress *p, int64_t second)
{
    return &p->rows[second % PROGRESS_SECONDS];
}

static bool is_marked(const struct progress *p, int64_t second)
{
    return row_at(p, second)->injected > 0 || p->marked[second % PROGRESS_SECONDS] == second + 1;
}

static struct view look_back(const struct progress *p)
{
    unsigned columns = p->panel.columns;
    int64_t room = columns < NARROW ? columns - 1 : columns - 24; /* for the words beside it */
    struct view w = {.count = p->seconds};
    if (w.count > PROGRESS_SECONDS)
        w.count = PROGRESS_SECONDS;
    if (w.count > room)
        w.count = room > 0 ? room : 0;
    w.first = p->seconds - w.count;
    for (int64_t i = w.first; i < p->seconds; i++) {
        const struct timeline_row *row = row_at(p, i);
        w.peak = row->ok > w.peak ? row->ok : w.peak;
        w.marked |= row->failed > 0 || is_marked(p, i);
    }
    return w;
}

static void curve(struct progress *p, const struct view *w)
{
    char text[64], n[SHORT_TEXT];
    for (int64_t i = w->first; i < p->seconds; i++)
        panel_add(&p->panel, PANEL_PLAIN,
                  sparkline_bar((double)row_at(p, i)->ok, (double)w->peak, p->panel.terminal.utf8));
    snprintf(text, sizeof text, "   peak %s", format_count(w->peak, n));
    if (p->panel.columns >= NARROW)
        panel_add(&p->panel, PANEL_FAINT, text);
    panel_line(&p->panel);
}

/* Below each second, what was done in it and who suffered. */
static void marks(struct progress *p, const struct view *w)
{
    bool utf8 = p->panel.terminal.utf8;
    const char *fault = utf8 ? "▲" : "^", *failed = utf8 ? "×" : "x";
    if (!w->marked)
        return;
    for (int64_t i = w->first; i < p->seconds; i++) {
        if (row_at(p, i)->failed > 0)
            panel_add(&p->panel, PANEL_ALARM, failed);
        else
            panel_add(&p->panel, PANEL_ACCENT, is_marked(p, i) ? fault : " ");
    }
    if (p->panel.columns >= NARROW) {
        panel_add(&p->panel, PANEL_FAINT, "   ");
        panel_add(&p->panel, PANEL_FAINT, fault);
        panel_add(&p->panel, PANEL_FAINT, " fault  ");
        panel_add(&p->panel, PANEL_FAINT, failed);
        panel_add(&p->panel, PANEL_FAINT, " failed");
    }
    panel_line(&p->panel);
}

static void live_second(struct progress *p, const struct timeline_row *row)
{
    char text[64];
    if (p->length_ns < INT64_MAX)
        snprintf(text, sizeof text, "%" PRId64 " s of %.4g s", p->seconds,
                 (double)p->length_ns / 1e9);
    else
        snprintf(text, sizeof text, "%" PRId64 " s", p->seconds);
    panel_begin(&p->panel);
    heading(p, text);
    figures(p, row);
    handshakes(p, row);
    struct view w = look_back(p);
    curve(p, &w);
    marks(p, &w);
    panel_show(&p->panel);
}

void progress_phase(struct progress *p, const char *text)
{
    if (!p->on)
        return;
    if (!p->panel.terminal.live) {
        plain_line(p, text);
        return;
    }
    panel_begin(&p->panel);
    heading(p, text);
    panel_show(&p->panel);
}

void progress_second(struct progress *p, struct timeline *t, int64_t index)
{
    struct timeline_row row;
    if (!p->on || index * NS_PER_S >= p->length_ns)
        return;
    timeline_peek(t, index, &row);
    row.ok /= t->row_seconds;
    row.tls_full /= t->row_seconds;
    row.tls_resumed /= t->row_seconds;
    p->rows[index % PROGRESS_SECONDS] = row;
    p->seconds = index + 1;
    if (p->panel.terminal.live)
        live_second(p, &row);
    else
        plain_second(p, &row, index);
}

void progress_mark(struct progress *p, int64_t at_ns, const char *kind)
{
    char text[64];
    int64_t second = at_ns / NS_PER_S;
    p->marked[second % PROGRESS_SECONDS] = second + 1;
    snprintf(text, sizeof text, "%.40s at %.2f s", kind, (double)at_ns / 1e9);
    if (p->on && !p->panel.terminal.live)
        plain_line(p, text);
}

void progress_end(struct progress *p)
{
    if (p->on)
        panel_wipe(&p->panel);
}
