/*
 * share.c — shared mappings, and a private list of them: what stands in the mappings themselves a
 * wild worker can change.
 */
#include "share.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handler.h"

struct mapping {
    struct mapping *next;
    void *memory;
    size_t bytes;
};

static struct mapping *mappings;
static bool is_open;

void share_begin(void)
{
    is_open = true;
}

void share_end(void)
{
    is_open = false;
}

/* Whole pages, so that nobody finds a neighbour behind the last byte he asked for. */
static void *map_pages(size_t *bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (*bytes > SIZE_MAX - page)
        return MAP_FAILED;
    *bytes = (*bytes + page - 1) / page * page;
    return mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void *module_share(size_t bytes)
{
    struct mapping *m = is_open ? malloc(sizeof *m) : NULL;
    if (!m)
        return NULL;
    void *memory = map_pages(&bytes);
    if (memory == MAP_FAILED) {
        free(m);
        return NULL;
    }
    madvise(memory, bytes, MADV_DONTDUMP); /* other people's data does not belong in a core file */
    *m = (struct mapping){.next = mappings, .memory = memory, .bytes = bytes};
    mappings = m;
    return memory;
}

void share_close(void)
{
    while (mappings) {
        struct mapping *m = mappings;
        mappings = m->next;
        munmap(m->memory, m->bytes);
        free(m);
    }
}
