/*
 * tickets.c — three slots and a counter, in shared memory.
 *
 *      turn t:   slot t % 3 seals    slot (t - 1) % 3 opens, too    slot (t + 1) % 3 is ready
 *
 * Which turn it is follows from the clock alone, so there is no date that a death could leave
 * behind. To rotate is: the key of the new turn is there, or is made now; turn = t; and the oldest
 * slot is filled for turn t + 1. A reader may be in the middle of just that one, so each slot has a
 * version, which says for which turn its key is, and is odd while it is being filled: a key is taken
 * only as the one of its turn, and whoever has copied it looks whether the version is still the same
 * (Boehm, "Can seqlocks get along with programming language memory models?", 2012).
 *
 * The one who rotates may die at any point of this. What is left behind is a slot that is not ready
 * for its turn: it opens and seals nothing, and is filled before its turn is taken. Nobody waits for
 * one that is odd, so nobody hangs.
 */
#include "tickets.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "../clock.h"

enum { SLOTS = 3, TRIES = 2, WORDS = sizeof(struct ticket_key) / sizeof(uint64_t) };

_Static_assert(sizeof(struct ticket_key) % sizeof(uint64_t) == 0, "it is copied by words");

struct slot {
    _Atomic uint64_t version; /* filling_for or ready_for a turn; 0: never filled */
    _Atomic uint64_t words[WORDS];
};

struct common {
    _Atomic uint64_t turn;
    struct slot slots[SLOTS];
};

struct tls_tickets {
    int64_t period; /* ms */
    int64_t begun;  /* monotonic ms: turn 0 */
    struct common *common;
};

static uint64_t filling_for(uint64_t turn)
{
    return 2 * turn + 1;
}

static uint64_t ready_for(uint64_t turn)
{
    return 2 * turn + 2;
}

static struct slot *slot_at(struct tls_tickets *t, uint64_t turn)
{
    return &t->common->slots[turn % SLOTS];
}

static void fill(struct slot *s, uint64_t turn, const struct ticket_key *key)
{
    uint64_t words[WORDS];
    memcpy(words, key, sizeof words);
    atomic_store_explicit(&s->version, filling_for(turn), memory_order_relaxed);
    for (size_t i = 0; i < WORDS; i++) /* whoever sees one of these sees the odd version, too */
        atomic_store_explicit(&s->words[i], words[i], memory_order_release);
    atomic_store_explicit(&s->version, ready_for(turn), memory_order_release);
    explicit_bzero(words, sizeof words);
}

/* False: the slot has no key for this turn, or no longer. */
static bool copy(struct slot *s, uint64_t turn, struct ticket_key *key)
{
    uint64_t words[WORDS] = {0};
    uint64_t before = atomic_load_explicit(&s->version, memory_order_acquire);
    for (size_t i = 0; i < WORDS; i++)
        words[i] = atomic_load_explicit(&s->words[i], memory_order_acquire);
    memcpy(key, words, sizeof words);
    explicit_bzero(words, sizeof words);
    return before == ready_for(turn) &&
           atomic_load_explicit(&s->version, memory_order_relaxed) == before;
}

static bool draw(struct ticket_key *key)
{
    return getrandom(key, sizeof *key, 0) == (ssize_t)sizeof *key; /* 256 bytes come in one piece */
}

/* A key for this turn is in its slot from now on. */
static bool prepare(struct tls_tickets *t, uint64_t turn)
{
    struct slot *s = slot_at(t, turn);
    if (atomic_load_explicit(&s->version, memory_order_relaxed) == ready_for(turn))
        return true;
    struct ticket_key key;
    bool ok = draw(&key);
    if (ok)
        fill(s, turn, &key);
    explicit_bzero(&key, sizeof key);
    return ok;
}

static struct common *get_memory(void)
{
    void *p = mmap(NULL, sizeof(struct common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, sizeof(struct common), MADV_DONTDUMP);
    return p;
}

struct tls_tickets *tls_tickets_open(int64_t period)
{
    struct tls_tickets *t = malloc(sizeof *t);
    if (!t)
        return NULL;
    *t = (struct tls_tickets){.period = period, .begun = clock_ms(), .common = get_memory()};
    if (t->common && prepare(t, 0) && prepare(t, 1))
        return t;
    int error = errno;
    tls_tickets_close(t);
    errno = error;
    return NULL;
}

void tls_tickets_close(struct tls_tickets *t)
{
    if (!t)
        return;
    if (t->common) {
        explicit_bzero(t->common, sizeof *t->common);
        munmap(t->common, sizeof *t->common);
    }
    free(t);
}

/* Should it come late by more than a turn, as in a process that was stopped, the key before is not
 * the one of the turn before, and its time is over as well. Without randomness, no turn is taken. */
void tls_tickets_rotate(struct tls_tickets *t, int64_t now)
{
    uint64_t turn = (uint64_t)((now - t->begun) / t->period);
    if (turn == atomic_load_explicit(&t->common->turn, memory_order_relaxed) || !prepare(t, turn))
        return;
    atomic_store_explicit(&t->common->turn, turn, memory_order_release);
    prepare(t, turn + 1); /* well before its turn, so that nobody reads what is being filled */
}

/* A turn may be taken meanwhile, so it is looked for twice. */
bool tls_tickets_sealing(struct tls_tickets *t, struct ticket_key *key)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t turn = atomic_load_explicit(&t->common->turn, memory_order_acquire);
        if (copy(slot_at(t, turn), turn, key))
            return true;
    }
    return draw(key);
}

enum ticket_age tls_tickets_find(struct tls_tickets *t, const unsigned char name[TICKET_NAME_SIZE],
                                 struct ticket_key *key)
{
    uint64_t turn = atomic_load_explicit(&t->common->turn, memory_order_acquire);
    for (uint64_t age = 0; age < 2 && age <= turn; age++)
        if (copy(slot_at(t, turn - age), turn - age, key) &&
            memcmp(key->name, name, TICKET_NAME_SIZE) == 0)
            return age == 0 ? TICKET_CURRENT : TICKET_PREVIOUS;
    explicit_bzero(key, sizeof *key);
    return TICKET_UNKNOWN;
}
