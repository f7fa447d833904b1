/*
 * tally.c — one mapping; a table from status to column.
 */
#include "tally.h"

#include <sys/mman.h>

static size_t bytes(size_t workers)
{
    return (workers + 1) * sizeof(struct tally);
}

struct tally *tallies_open(size_t workers)
{
    struct tally *all =
        mmap(NULL, bytes(workers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    madvise(all, bytes(workers), MADV_DONTDUMP);
    return all;
}

void tallies_close(struct tally *all, size_t workers)
{
    munmap(all, bytes(workers));
}

/* --- columns --- */

enum { CODE_OTHER, CODE_2XX, CODE_3XX, CODE_4XX, CODE_5XX };

static const uint8_t columns[600] = {
    [200] = 5,  [201] = 6,  [202] = 7,  [204] = 8,  [206] = 9,  [301] = 10, [302] = 11,
    [303] = 12, [304] = 13, [307] = 14, [308] = 15, [400] = 16, [401] = 17, [403] = 18,
    [404] = 19, [405] = 20, [408] = 21, [409] = 22, [410] = 23, [412] = 24, [413] = 25,
    [414] = 26, [415] = 27, [416] = 28, [421] = 29, [422] = 30, [429] = 31, [431] = 32,
    [500] = 33, [501] = 34, [502] = 35, [503] = 36, [504] = 37, [505] = 38};

static const char *const names[TALLY_CODES] = {
    "other", "2xx", "3xx", "4xx", "5xx", "200", "201", "202", "204", "206", "301", "302", "303",
    "304",   "307", "308", "400", "401", "403", "404", "405", "408", "409", "410", "412", "413",
    "414",   "415", "416", "421", "422", "429", "431", "500", "501", "502", "503", "504", "505"};

unsigned tally_code(int status)
{
    if (status < 200 || status > 599)
        return CODE_OTHER;
    return columns[status] ? columns[status] : (unsigned)status / 100 - 2 + CODE_2XX;
}

const char *tally_code_name(unsigned code)
{
    return code < TALLY_CODES ? names[code] : NULL;
}

/* --- counting --- */

void tally_answer(struct tally *t, unsigned row, int status, int64_t microseconds)
{
    count_alone(&t->codes[row < TALLY_ROWS ? row : TALLY_NO_ROUTE][tally_code(status)], 1);
    if (row != TALLY_ADMIN)
        histogram_add(&t->durations, microseconds);
}

void tally_refusal(struct tally *t, int status)
{
    count_alone(&t->codes[TALLY_REFUSED][tally_code(status)], 1);
}

static uint64_t row_sum(const struct tally *t, unsigned row)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TALLY_CODES; i++)
        sum += atomic_load_explicit(&t->codes[row][i], memory_order_relaxed);
    return sum;
}

uint64_t tallies_answered(const struct tally *all, size_t workers, unsigned routes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= workers; i++) {
        for (unsigned route = 0; route < routes && route < LIMIT_ROUTES; route++)
            sum += row_sum(&all[i], TALLY_ROUTES + route);
        sum += row_sum(&all[i], TALLY_NO_ROUTE) + row_sum(&all[i], TALLY_ADMIN);
    }
    return sum;
}
