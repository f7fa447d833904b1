/*
 * log_ring.c — two counters that only grow, and a futex.
 */
#include "log_ring.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE = 64, /* of the cache */
    ALIGN = 8, /* of a record: its head is never parted */
    PAGE = 4096,
    RING_MIN = 64 << 10,  /* bytes: 15 of the longest lines */
    RING_MAX = 512 << 10, /* some 2,000 lines */
    RINGS_ALL = 16 << 20  /* of all of them, unless there are very many */
};

/* How soundly the logger sleeps. */
enum { AWAKE, NAPS, SLEEPS };

struct log_shared {
    _Alignas(LINE) _Atomic uint32_t doze; /* futex */
    _Alignas(LINE) _Atomic uint32_t orders;
    struct log_mark mark;
    struct ends {
        _Alignas(LINE) _Atomic uint64_t head; /* written by the writer */
        _Alignas(LINE) _Atomic uint64_t tail; /* written by the logger */
    } ends[];
};

struct record {
    uint32_t length;
    uint32_t kind;
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t ring_size(size_t count)
{
    size_t size = RING_MAX;
    while (size > RING_MIN && size * count > RINGS_ALL)
        size /= 2;
    return size;
}

bool log_rings_open(struct log_rings *r, size_t count, struct log_dropped *dropped)
{
    size_t head = round_up(sizeof(struct log_shared) + count * sizeof(struct ends), PAGE);
    *r = (struct log_rings){.count = count, .size = ring_size(count), .dropped = dropped};
    r->whole = head + count * r->size;
    void *memory = mmap(NULL, r->whole, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    madvise(memory, r->whole, MADV_DONTDUMP);
    r->shared = memory;
    r->bytes = (char *)memory + head;
    return true;
}

void log_rings_close(struct log_rings *r)
{
    if (r->shared)
        munmap(r->shared, r->whole);
    *r = (struct log_rings){0};
}

void log_count_dropped(const struct log_rings *r, enum log_kind kind, uint64_t lines)
{
    _Atomic uint64_t *which = kind == LOG_ACCESS ? &r->dropped->access : &r->dropped->error;
    atomic_fetch_add_explicit(which, lines, memory_order_relaxed);
}

/* Where records may begin. */
static uint64_t align(uint64_t at)
{
    return at / ALIGN * ALIGN;
}

/* --- the futex --- */

static void wake(const struct log_rings *r, bool is_urgent)
{
    uint32_t seen = atomic_load(&r->shared->doze);
    if (seen == AWAKE || (seen == NAPS && !is_urgent))
        return;
    if (atomic_compare_exchange_strong(&r->shared->doze, &seen, AWAKE))
        syscall(SYS_futex, &r->shared->doze, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void doze(const struct log_rings *r, uint32_t how, int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    syscall(SYS_futex, &r->shared->doze, FUTEX_WAIT, how, &time, NULL, 0);
    atomic_store(&r->shared->doze, AWAKE);
}

static bool are_empty(const struct log_rings *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (atomic_load(&r->shared->ends[i].head) != atomic_load(&r->shared->ends[i].tail))
            return false;
    return atomic_load(&r->shared->orders) == 0;
}

/* Whoever writes a line after we have said that we sleep, wakes us; what was written before, we see. */
void log_rings_sleep(const struct log_rings *r, int ms)
{
    atomic_store(&r->shared->doze, SLEEPS);
    if (are_empty(r))
        doze(r, SLEEPS, ms);
    else
        atomic_store(&r->shared->doze, AWAKE);
}

void log_rings_nap(const struct log_rings *r, int ms)
{
    atomic_store(&r->shared->doze, NAPS);
    doze(r, NAPS, ms);
}

/* --- bytes in the ring --- */

static size_t place_of(const struct log_rings *r, uint64_t at)
{
    return at & (r->size - 1);
}

static void copy_in(const struct log_rings *r, size_t ring, uint64_t at, const char *from, size_t n)
{
    char *base = r->bytes + ring * r->size;
    size_t place = place_of(r, at), first = n < r->size - place ? n : r->size - place;
    memcpy(base + place, from, first);
    memcpy(base, from + first, n - first);
}

static void copy_out(const struct log_rings *r, size_t ring, uint64_t at, char *to, size_t n)
{
    const char *base = r->bytes + ring * r->size;
    size_t place = place_of(r, at), first = n < r->size - place ? n : r->size - place;
    memcpy(to, base + place, first);
    memcpy(to + first, base, n - first);
}

/* --- the writer --- */

bool log_ring_put(const struct log_rings *r, size_t ring, enum log_kind kind, const char *line,
                  size_t n)
{
    struct ends *e = &r->shared->ends[ring];
    const struct record record = {.length = (uint32_t)n, .kind = kind};
    uint64_t head = align(atomic_load_explicit(&e->head, memory_order_relaxed));
    uint64_t used = head - align(atomic_load_explicit(&e->tail, memory_order_acquire));
    size_t need = round_up(sizeof record + n, ALIGN);
    if (used > r->size || need > r->size - used) {
        log_count_dropped(r, kind, 1);
        wake(r, true);
        return false;
    }
    copy_in(r, ring, head, (const char *)&record, sizeof record);
    copy_in(r, ring, head + sizeof record, line, n);
    atomic_store(&e->head, head + need); /* seen before we look whether the logger sleeps */
    wake(r, used + need > r->size / 2);
    return true;
}

/* --- the logger --- */

/* False: no line begins here. */
static bool read_record(const struct log_rings *r, size_t ring, uint64_t at, uint64_t head,
                        struct record *record)
{
    if (head - at < sizeof *record || at % ALIGN != 0)
        return false;
    copy_out(r, ring, at, (char *)record, sizeof *record);
    return record->length > 0 && record->length <= LOG_LINE && record->kind < LOG_KINDS &&
           round_up(sizeof *record + record->length, ALIGN) <= head - at;
}

/* Somebody has scribbled over it. How many lines that has cost nobody knows: at least one. */
static void empty(const struct log_rings *r, size_t ring, uint64_t head)
{
    log_count_dropped(r, LOG_ACCESS, 1);
    atomic_store_explicit(&r->shared->ends[ring].tail, align(head), memory_order_release);
    atomic_compare_exchange_strong(&r->shared->ends[ring].head, &head, align(head));
}

bool log_ring_look(const struct log_rings *r, size_t ring, char *out, size_t room,
                   struct log_batch *batch)
{
    struct ends *e = &r->shared->ends[ring];
    uint64_t head = atomic_load_explicit(&e->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&e->tail, memory_order_relaxed);
    struct record record;
    *batch = (struct log_batch){.tail = tail, .next = tail};
    if (head == tail)
        return false;
    bool is_sound = head - tail <= r->size && read_record(r, ring, tail, head, &record);
    if (!is_sound) {
        empty(r, ring, head);
        return false;
    }
    batch->kind = (enum log_kind)record.kind;
    do {
        copy_out(r, ring, batch->next + sizeof record, out + batch->length, record.length);
        batch->length += record.length;
        out[batch->length - 1] = '\n'; /* whatever was there: others' lines begin behind it */
        batch->next += round_up(sizeof record + record.length, ALIGN);
    } while (batch->next != head && read_record(r, ring, batch->next, head, &record) &&
             record.kind == batch->kind && record.length <= room - batch->length);
    return true;
}

void log_ring_done(const struct log_rings *r, size_t ring, const struct log_batch *batch)
{
    atomic_store_explicit(&r->shared->ends[ring].tail, batch->next, memory_order_release);
}

struct log_mark *log_rings_mark(const struct log_rings *r)
{
    return &r->shared->mark;
}

/* --- orders --- */

void log_rings_order(const struct log_rings *r, enum log_order order)
{
    atomic_fetch_or(&r->shared->orders, order);
    wake(r, true);
}

unsigned log_rings_ordered(const struct log_rings *r)
{
    return atomic_fetch_and(&r->shared->orders, LOG_CLOSE);
}

void log_rings_forget_orders(const struct log_rings *r)
{
    atomic_store(&r->shared->orders, 0);
}
