/*
 * pages.c — /proc/self/maps says what is mapped, mincore() what of it is there.
 */
#include "pages.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, BATCH = 4096 /* pages asked for at once */ };

/* Larger mappings are not a program's but a sanitizer's book-keeping about it. */
static const size_t limit_mapping = (size_t)64 << 30;

struct mapping {
    char *start;
    size_t length;
    char rights[5]; /* "rw-s" */
    char name[64];  /* its beginning; "" when it has none */
};

/* "7ffe1000-7ffe3000 rw-p 00000000 00:00 0    [stack]" */
static bool read_mapping(const char *line, struct mapping *m)
{
    uintptr_t start, end;
    m->name[0] = '\0';
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %63s", &start, &end, m->rights,
               m->name) < 3)
        return false;
    m->start = (char *)start;
    m->length = end - start;
    return true;
}

static bool is_anonymous_shared(const struct mapping *m)
{
    return m->rights[3] == 's' && strcmp(m->name, "/dev/zero") == 0; /* so the kernel calls it */
}

/* Devices do something when they are read; the kernel's own pages have nothing of ours. */
static bool is_memory(const struct mapping *m)
{
    return m->rights[0] == 'r' && m->length <= limit_mapping && strncmp(m->name, "[v", 2) != 0 &&
           (strncmp(m->name, "/dev/", 5) != 0 || is_anonymous_shared(m));
}

struct walk {
    bool (*visit)(const struct run *run, void *context);
    void *context;
};

/* Visits the runs in one batch of pages; `there` has one byte for each. */
static bool visit_runs(const struct walk *w, const struct mapping *m, char *start,
                       const unsigned char *there, size_t pages)
{
    for (size_t first = 0, end; first < pages; first = end) {
        for (end = first + 1; end < pages && (there[end] & 1) == (there[first] & 1); end++)
            ;
        struct run run = {.start = start + first * PAGE,
                          .length = (end - first) * PAGE,
                          .is_shared = is_anonymous_shared(m),
                          .is_writable = m->rights[1] == 'w'};
        if (there[first] & 1 && !w->visit(&run, w->context))
            return false;
    }
    return true;
}

static bool walk_mapping(const struct walk *w, const struct mapping *m)
{
    unsigned char there[BATCH];
    for (size_t at = 0; at < m->length; at += (size_t)BATCH * PAGE) {
        size_t pages = (m->length - at) / PAGE;
        if (pages > BATCH)
            pages = BATCH;
        if (mincore(m->start + at, pages * PAGE, there) == 0 &&
            !visit_runs(w, m, m->start + at, there, pages))
            return false;
    }
    return true;
}

bool pages_walk(bool (*visit)(const struct run *run, void *context), void *context)
{
    struct walk walk = {visit, context};
    struct mapping mapping;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return false;
    while (fgets(line, sizeof line, maps))
        if (read_mapping(line, &mapping) && is_memory(&mapping) && !walk_mapping(&walk, &mapping))
            break;
    fclose(maps);
    return true;
}
