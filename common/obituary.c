/*
 * obituary.c — a ring that is written and read word by word.
 */
#include "obituary.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

static int64_t milliseconds_since_1970(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Each store of a word is a release, so none of them is seen before the number has gone. */
void obituary_enter(struct obituaries *all, const struct obituary *o)
{
    struct obituary copy = *o;
    uint64_t words[OBITUARY_WORDS], number = atomic_fetch_add(&all->count, 1) + 1;
    size_t at = (number - 1) % OBITUARIES;
    copy.time = milliseconds_since_1970();
    memcpy(words, &copy, sizeof words);
    atomic_store(&all->entries[at].number, 0);
    for (size_t i = 0; i < OBITUARY_WORDS; i++)
        atomic_store_explicit(&all->entries[at].words[i], words[i], memory_order_release);
    atomic_store_explicit(&all->entries[at].number, number, memory_order_release);
}

static void end_texts(struct obituary *o)
{
    o->id[sizeof o->id - 1] = o->method[sizeof o->method - 1] = '\0';
    o->target[sizeof o->target - 1] = o->cause[sizeof o->cause - 1] = '\0';
    o->phase[sizeof o->phase - 1] = '\0';
}

static bool read_entry(const struct obituaries *all, uint64_t number, struct obituary *out)
{
    uint64_t words[OBITUARY_WORDS];
    size_t at = (number - 1) % OBITUARIES;
    if (atomic_load(&all->entries[at].number) != number)
        return false;
    for (size_t i = 0; i < OBITUARY_WORDS; i++)
        words[i] = atomic_load_explicit(&all->entries[at].words[i], memory_order_acquire);
    if (atomic_load(&all->entries[at].number) != number)
        return false;
    memcpy(out, words, sizeof words);
    end_texts(out);
    return true;
}

size_t obituaries_read(const struct obituaries *all, struct obituary out[OBITUARIES])
{
    size_t found = 0;
    uint64_t count = atomic_load(&all->count);
    for (uint64_t back = 0; back < OBITUARIES && back < count; back++)
        if (read_entry(all, count - back, &out[found]))
            found++;
    return found;
}
