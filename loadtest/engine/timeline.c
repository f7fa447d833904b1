/*
 * timeline.c — threads end a second within milliseconds of one another, so a handful of pending
 * seconds is enough to merge their histograms before each becomes a row.
 */
#include "timeline.h"

#include <stdlib.h>
#include <string.h>

#include "../units.h"
#include "resident.h"

enum { PENDING = 4, CLASS_FLOOR_BITS = 6 /* 64 µs: the first class ends here */ };

struct pending {
    int64_t index; /* -1: free */
    struct hist hist;
};

bool timeline_init(struct timeline *t, int64_t start_ns)
{
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->start_ns = start_ns;
    t->row_seconds = 1;
    t->rows = resident_alloc(TIMELINE_ROWS, sizeof *t->rows);
    t->pending = resident_alloc(PENDING, sizeof *t->pending);
    t->windows = resident_alloc(TIMELINE_WINDOWS, sizeof *t->windows);
    t->window_ns = NS_PER_S / SERVED_BITS;
    if (!t->rows || !t->pending || !t->windows) {
        timeline_free(t);
        return false;
    }
    for (size_t i = 0; i < PENDING; i++)
        t->pending[i].index = -1;
    return true;
}

void timeline_free(struct timeline *t)
{
    free(t->rows);
    free(t->pending);
    free(t->windows);
    t->rows = NULL;
    t->windows = NULL;
    t->pending = NULL;
    pthread_mutex_destroy(&t->lock);
}

void second_start(struct second *s, const struct timeline *t, int64_t now_ns)
{
    int64_t since = now_ns > t->start_ns ? now_ns - t->start_ns : 0;
    memset(&s->row, 0, sizeof s->row);
    memset(s->windows, 0, sizeof s->windows);
    hist_clear(&s->hist);
    s->index = since / NS_PER_S;
    s->ends_ns = t->start_ns + (s->index + 1) * NS_PER_S;
}

/* Which part of its second that was; -1: none, it came after the end of the run. */
static int part_of(const struct second *s, int64_t done_ns)
{
    uint64_t part = (uint64_t)(done_ns - (s->ends_ns - NS_PER_S)) / (NS_PER_S / SERVED_BITS);
    return part < SERVED_BITS ? (int)part : -1; /* what is too early is far too late, unsigned */
}

/* Class 0 is up to 64 µs; after that, each doubling is cut into four equal parts. */
static unsigned class_of(int64_t us)
{
    if (us <= 1 << CLASS_FLOOR_BITS)
        return 0;
    uint64_t v = (uint64_t)us - 1; /* limits belong to the class below */
    unsigned top = 63U - (unsigned)__builtin_clzll(v);
    unsigned class = 1 + 4 * (top - CLASS_FLOOR_BITS) + (unsigned)(v >> (top - 2) & 3);
    return class < LATENCY_CLASSES ? class : LATENCY_CLASSES - 1;
}

void second_served(struct second *s, int64_t done_ns, int64_t latency_ns)
{
    int64_t us = (latency_ns + NS_PER_US / 2) / NS_PER_US;
    int part = part_of(s, done_ns);
    if (part >= 0) {
        s->windows[part].ok++;
        s->windows[part].class[class_of(us)]++;
    }
    s->row.ok++;
    hist_add_us(&s->hist, us);
}

void second_failed(struct second *s, int64_t done_ns)
{
    int part = part_of(s, done_ns);
    if (part >= 0)
        s->windows[part].failed++;
    s->row.failed++;
}

static void note_latency(struct timeline_row *row, const struct hist *h)
{
    int64_t p50 = hist_quantile_us(h, 0.5);
    int64_t p99 = hist_quantile_us(h, 0.99);
    row->p50_us = p50 > row->p50_us ? p50 : row->p50_us;
    row->p99_us = p99 > row->p99_us ? p99 : row->p99_us;
    row->max_us = h->max_us > row->max_us ? h->max_us : row->max_us;
}

static bool is_served(const struct timeline_row *row, unsigned bit)
{
    return row->served[bit / 64] >> (bit % 64) & 1;
}

/* Squeezes the bits of a finer row into part `part` of `parts` of a coarser one. */
static void squeeze_served(struct timeline_row *into, const struct timeline_row *from,
                           unsigned part, unsigned parts)
{
    for (unsigned bit = 0; bit < SERVED_BITS; bit++) {
        unsigned to = (part * SERVED_BITS + bit) / parts;
        if (is_served(from, bit))
            into->served[to / 64] |= UINT64_C(1) << (to % 64);
    }
}

static void add_row(struct timeline_row *into, const struct timeline_row *from, unsigned part,
                    unsigned parts)
{
    into->ok += from->ok;
    into->failed += from->failed;
    into->injected += from->injected;
    into->tls_full += from->tls_full;
    into->tls_resumed += from->tls_resumed;
    into->p50_us = from->p50_us > into->p50_us ? from->p50_us : into->p50_us;
    into->p99_us = from->p99_us > into->p99_us ? from->p99_us : into->p99_us;
    into->max_us = from->max_us > into->max_us ? from->max_us : into->max_us;
    squeeze_served(into, from, part, parts);
}

/* Two rows become one; there is room again for as many as there were. */
static void coarsen(struct timeline *t)
{
    for (size_t i = 0; i < TIMELINE_ROWS / 2; i++) {
        struct timeline_row sum = {0};
        add_row(&sum, &t->rows[2 * i], 0, 2);
        add_row(&sum, &t->rows[2 * i + 1], 1, 2);
        t->rows[i] = sum;
    }
    memset(t->rows + TIMELINE_ROWS / 2, 0, TIMELINE_ROWS / 2 * sizeof *t->rows);
    t->row_seconds *= 2;
    t->count = (t->count + 1) / 2;
}

static struct timeline_row *row_of(struct timeline *t, int64_t second)
{
    while (second / t->row_seconds >= TIMELINE_ROWS)
        coarsen(t);
    size_t index = (size_t)(second / t->row_seconds);
    if (index >= t->count)
        t->count = index + 1;
    return &t->rows[index];
}

static void add_window(struct window *into, const struct window *from)
{
    into->ok += from->ok;
    into->failed += from->failed;
    for (size_t i = 0; i < LATENCY_CLASSES; i++)
        into->class[i] += from->class[i];
}

/* The same for windows as coarsen() for rows. */
static void coarsen_windows(struct timeline *t)
{
    for (size_t i = 0; i < TIMELINE_WINDOWS / 2; i++) {
        struct window sum = t->windows[2 * i];
        add_window(&sum, &t->windows[2 * i + 1]);
        t->windows[i] = sum;
    }
    memset(t->windows + TIMELINE_WINDOWS / 2, 0, TIMELINE_WINDOWS / 2 * sizeof *t->windows);
    t->window_ns *= 2;
}

static void add_windows(struct timeline *t, const struct second *s)
{
    for (int64_t part = 0; part < SERVED_BITS; part++) {
        int64_t at = (s->index * SERVED_BITS + part) * (NS_PER_S / SERVED_BITS);
        while (at / t->window_ns >= TIMELINE_WINDOWS)
            coarsen_windows(t);
        add_window(&t->windows[at / t->window_ns], &s->windows[part]);
    }
}

static void work_out(struct timeline *t, const struct pending *p)
{
    if (p->index >= 0)
        note_latency(row_of(t, p->index), &p->hist);
}

static void settle(struct timeline *t, struct pending *p)
{
    work_out(t, p);
    p->index = -1;
    hist_clear(&p->hist);
}

static struct hist *pending_hist(struct timeline *t, int64_t second)
{
    struct pending *p = &t->pending[second % PENDING];
    if (p->index != second) {
        settle(t, p);
        p->index = second;
    }
    return &p->hist;
}

/* What need not be counted for each request follows from what was. */
static struct timeline_row whole_row(const struct second *s)
{
    struct timeline_row row = s->row;
    for (unsigned part = 0; part < SERVED_BITS; part++)
        if (s->windows[part].ok > 0)
            row.served[part / 64] |= UINT64_C(1) << (part % 64);
    return row;
}

void timeline_publish(struct timeline *t, const struct second *s)
{
    const struct timeline_row own = whole_row(s);
    pthread_mutex_lock(&t->lock);
    struct timeline_row *row = row_of(t, s->index);
    add_row(row, &own, (unsigned)(s->index % t->row_seconds), t->row_seconds);
    hist_merge(pending_hist(t, s->index), &s->hist);
    add_windows(t, s);
    pthread_mutex_unlock(&t->lock);
}

void timeline_peek(struct timeline *t, int64_t index, struct timeline_row *row)
{
    pthread_mutex_lock(&t->lock);
    size_t place = (size_t)(index / t->row_seconds);
    *row = place < t->count ? t->rows[place] : (struct timeline_row){0};
    const struct pending *p = &t->pending[index % PENDING];
    if (p->index == index)
        note_latency(row, &p->hist);
    pthread_mutex_unlock(&t->lock);
}

bool timeline_take(struct timeline *t, int64_t before, int64_t *index, struct hist *h)
{
    struct pending *first = NULL;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < PENDING; i++) {
        struct pending *p = &t->pending[i];
        if (p->index >= 0 && p->index < before && (!first || p->index < first->index))
            first = p;
    }
    if (first) {
        *index = first->index;
        *h = first->hist;
        settle(t, first);
    }
    pthread_mutex_unlock(&t->lock);
    return first != NULL;
}

void timeline_finish(struct timeline *t)
{
    for (size_t i = 0; i < PENDING; i++)
        work_out(t, &t->pending[i]);
}

void timeline_sum(const struct timeline *t, int64_t first, int64_t end, struct window *sum)
{
    memset(sum, 0, sizeof *sum);
    for (int64_t i = first; i < end && i < TIMELINE_WINDOWS; i++)
        add_window(sum, &t->windows[i]);
}

uint64_t window_slower(const struct window *w, int64_t us)
{
    uint64_t slower = 0;
    for (unsigned i = class_of(us) + 1; i < LATENCY_CLASSES; i++)
        slower += w->class[i];
    return slower;
}

static bool piece_served(const struct timeline *t, int64_t first, int64_t length)
{
    for (int64_t i = first; i < first + length; i++) {
        size_t row = (size_t)(i / SERVED_BITS);
        if (row < t->count && is_served(&t->rows[row], (unsigned)(i % SERVED_BITS)))
            return true;
    }
    return false;
}

int64_t timeline_without_service_ns(const struct timeline *t, int64_t length_ns, double rate,
                                    int64_t *resolution_ns)
{
    static const int64_t groups[] = {1, 2, 5, 10, 20, 50, 100};
    const double expected = 20; /* a piece without a success by chance: e^-20 */
    int64_t part_ns = t->row_seconds * NS_PER_S / SERVED_BITS;
    size_t g = 0;
    while (groups[g] < 100 && rate * (double)(groups[g] * part_ns) / 1e9 < expected)
        g++;
    int64_t length = groups[g];
    int64_t parts = length_ns / part_ns;
    int64_t silent = 0;
    for (int64_t i = 0; i + length <= parts; i += length)
        if (!piece_served(t, i, length))
            silent += length;
    *resolution_ns = length * part_ns;
    return silent * part_ns;
}
