/*
 * conn.c — the word of a slot, and the memory behind it.
 *
 * Every function that changes the word does it in one compare-and-swap with acquire and release
 * order: whoever owns a slot sees all that the owner before it wrote.
 */
#include "conn.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { NOTE_BITS = 1, PHASE_BITS = 7, OWNER_BITS = 16, SEQUENCE_BITS = 16 };
enum {
    PHASE_AT = NOTE_BITS,
    OWNER_AT = PHASE_AT + PHASE_BITS,
    SEQUENCE_AT = OWNER_AT + OWNER_BITS,
    GENERATION_AT = SEQUENCE_AT + SEQUENCE_BITS
};
/* What the seals are made with; drawn before the first worker, which inherits it. It is no defence
 * against a handler that looks for it: the seal is for accidents. */
static uint64_t secret;

#define NOTE ((uint64_t)1)
#define GENERATION_MASK 0xffffffu

/* The word after `old`: the sequence has grown by one, the note stands if `note` says so. */
static uint64_t next_word(uint64_t old, unsigned generation, unsigned owner, enum conn_phase phase,
                          uint64_t note)
{
    uint64_t sequence = (old >> SEQUENCE_AT) + 1;
    return (uint64_t)(generation & GENERATION_MASK) << GENERATION_AT |
           (sequence & 0xffff) << SEQUENCE_AT | (uint64_t)owner << OWNER_AT |
           (uint64_t)phase << PHASE_AT | note;
}

static bool swap(struct conn *c, uint64_t *old, uint64_t new)
{
    return atomic_compare_exchange_weak_explicit(&c->word, old, new, memory_order_acq_rel,
                                                 memory_order_acquire);
}

uint64_t conn_word(const struct conn *c)
{
    return atomic_load_explicit(&c->word, memory_order_acquire);
}

enum conn_phase conn_phase(uint64_t word)
{
    return (enum conn_phase)(word >> PHASE_AT & 0x7f);
}

unsigned conn_owner(uint64_t word)
{
    return (unsigned)(word >> OWNER_AT & 0xffff);
}

unsigned conn_generation(uint64_t word)
{
    return (unsigned)(word >> GENERATION_AT);
}

uint64_t conn_tag(int fd, unsigned generation)
{
    return (uint64_t)generation << 32 | (unsigned)fd;
}

int conn_tag_fd(uint64_t tag)
{
    return (int)(uint32_t)tag;
}

unsigned conn_tag_generation(uint64_t tag)
{
    return (unsigned)(tag >> 32);
}

static void *map_shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes, MADV_DONTDUMP); /* other people's requests do not belong in a core file */
    return p;
}

/* The slots are followed by one page for what is shared about the table as a whole. */
static size_t slots_bytes(size_t size)
{
    return size * sizeof(struct conn) + sizeof(int);
}

bool conn_table_open(struct conn_table *t, size_t size, size_t stash_size)
{
    *t = (struct conn_table){.size = size, .stash_size = stash_size};
    t->slots = map_shared(slots_bytes(size));
    t->stashes = map_shared(size * stash_size);
    if (!t->slots || !t->stashes)
        return false;
    t->highest = (_Atomic int *)(void *)(t->slots + size);
    if (getrandom(&secret, sizeof secret, 0) != sizeof secret)
        secret = (uintptr_t)t->slots;
    return true;
}

bool conn_table_open_facts(struct conn_table *t)
{
    t->facts = map_shared(t->size * sizeof *t->facts);
    return t->facts;
}

void conn_table_clear(struct conn_table *t)
{
    madvise(t->slots, slots_bytes(t->size), MADV_REMOVE);
    madvise(t->stashes, t->size * t->stash_size, MADV_REMOVE);
}

void conn_table_close(struct conn_table *t)
{
    munmap(t->slots, slots_bytes(t->size));
    munmap(t->stashes, t->size * t->stash_size);
    if (t->facts)
        munmap(t->facts, t->size * sizeof *t->facts);
    *t = (struct conn_table){0};
}

int conn_table_highest(const struct conn_table *t)
{
    int highest = atomic_load_explicit(t->highest, memory_order_relaxed);
    return highest < 0 ? 0 : (size_t)highest < t->size ? highest : (int)t->size - 1;
}

struct conn *conn_at(const struct conn_table *t, int fd)
{
    return fd >= 0 && (size_t)fd < t->size ? &t->slots[fd] : NULL;
}

int conn_fd(const struct conn_table *t, const struct conn *c)
{
    return (int)(c - t->slots);
}

char *conn_stash(const struct conn_table *t, const struct conn *c)
{
    return t->stashes + (size_t)(c - t->slots) * t->stash_size;
}

const struct tls_facts *conn_facts(const struct conn_table *t, const struct conn *c)
{
    bool are_there = t->facts && (c->flags & (CONN_TLS | CONN_SHAKING)) == CONN_TLS;
    return are_there ? &t->facts[c - t->slots] : NULL;
}

static void remember_highest(struct conn_table *t, int fd)
{
    int highest = atomic_load_explicit(t->highest, memory_order_relaxed);
    while (fd > highest && !atomic_compare_exchange_weak(t->highest, &highest, fd))
        ;
}

/* --- seals --- */

enum { SEALED_FROM = offsetof(struct conn, deadline), PAIR = 2 * sizeof(uint64_t) };
_Static_assert((sizeof(struct conn) - SEALED_FROM) % PAIR == 0, "sealed to its end");

__extension__ typedef unsigned __int128 wide;

/* Each pair of words is multiplied, with a key for its place: no product waits for another: 25 ns. What is sealed belongs to this slot (its address) and this connection
 * (generation). */
static uint64_t seal_of(const struct conn *c, unsigned generation)
{
    uint64_t key = secret ^ (uintptr_t)c ^ (uint64_t)generation << 40, seal = key;
    for (size_t at = SEALED_FROM; at < sizeof *c; at += PAIR) {
        uint64_t pair[2];
        memcpy(pair, (const char *)c + at, PAIR);
        key += 0x9e3779b97f4a7c15u;
        wide product = (wide)(pair[0] ^ key) * (pair[1] ^ ~key);
        seal += (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return seal;
}

bool conn_bears_seal(const struct conn *c)
{
    return c->seal == seal_of(c, conn_generation(conn_word(c)));
}

/* --- the whole slot --- */

static void reset_fields(const struct conn_table *t, struct conn *c)
{
    conn_stash_drop(t, c);
    size_t from = offsetof(struct conn, cookie);
    memset((char *)c + from, 0, sizeof *c - from);
    atomic_store_explicit(&c->deadline, 0, memory_order_relaxed);
    atomic_store_explicit(&c->wait, WAIT_REQUEST, memory_order_relaxed);
    c->body_fd = -1;
    c->out[0].fd = c->out[1].fd = -1;
}

void conn_reset(const struct conn_table *t, struct conn *c)
{
    c->stash_high = 1; /* whatever it says: the pages go */
    reset_fields(t, c);
}

struct conn *conn_open(struct conn_table *t, int fd, unsigned me)
{
    struct conn *c = conn_at(t, fd);
    if (!c)
        return NULL;
    remember_highest(t, fd);
    uint64_t old = conn_word(c);
    while (!swap(c, &old, next_word(old, conn_generation(old) + 1, me, CONN_HELD, 0)))
        ;
    reset_fields(t, c);
    socklen_t size = sizeof c->cookie;
    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &c->cookie, &size);
    return c;
}

bool conn_claim(struct conn *c, unsigned generation, unsigned me)
{
    uint64_t old = conn_word(c);
    for (;;) {
        if (conn_generation(old) != generation || conn_phase(old) == CONN_FREE)
            return false;
        bool idle = conn_phase(old) == CONN_IDLE;
        uint64_t new = idle ? next_word(old, generation, me, CONN_HELD, 0) : old | NOTE;
        if (swap(c, &old, new))
            return idle;
    }
}

bool conn_step(struct conn *c, unsigned me, enum conn_phase phase)
{
    uint64_t old = conn_word(c);
    do {
        if (conn_owner(old) != me)
            return false;
    } while (!swap(c, &old, next_word(old, conn_generation(old), me, phase, old & NOTE)));
    return true;
}

bool conn_release(struct conn *c, unsigned me)
{
    uint64_t old = conn_word(c);
    for (;;) {
        if (conn_owner(old) != me)
            return true;
        bool note = old & NOTE;
        if (!note)
            c->seal = seal_of(c, conn_generation(old));
        uint64_t new = next_word(old, conn_generation(old), note ? me : CONN_NOBODY,
                                 note ? CONN_HELD : CONN_IDLE, 0);
        if (swap(c, &old, new))
            return !note;
    }
}

bool conn_note(struct conn *c, uint64_t seen)
{
    return atomic_compare_exchange_strong(&c->word, &seen, seen | NOTE);
}

bool conn_seize(struct conn *c, uint64_t seen, enum conn_phase phase)
{
    uint64_t new = next_word(seen, conn_generation(seen), CONN_SUPERVISOR, phase, 0);
    return atomic_compare_exchange_strong(&c->word, &seen, new);
}

bool conn_free(struct conn *c, unsigned me)
{
    uint64_t old = conn_word(c);
    do {
        if (conn_owner(old) != me || conn_phase(old) != CONN_CLOSING)
            return false;
    } while (!swap(c, &old, next_word(old, conn_generation(old), CONN_NOBODY, CONN_FREE, 0)));
    return true;
}

void conn_stash_drop(const struct conn_table *t, struct conn *c)
{
    if (c->stash_high > 0)
        madvise(conn_stash(t, c), t->stash_size, MADV_REMOVE);
    c->stash_off = c->stash_len = c->stash_high = 0;
}
