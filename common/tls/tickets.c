/*
 * tickets.c — three slots and a counter, in shared memory.
 *
 *      turn t:   slot t % 3 seals    slot (t - 1) % 3 opens, too    slot (t + 1) % 3 is ready
 *
 * To rotate is: turn = t + 1, and then the oldest slot is filled anew, which will be the next. A
 * reader may be in the middle of just that one, so each slot has a version: odd while it is being
 * filled; and whoever has copied a key looks whether the version is still the one from before
 * (Boehm, "Can seqlocks get along with programming language memory models?", 2012). The key that
 * seals is never being filled. A ticket under a key that is, is one whose time is over: nobody
 * waits, so nobody hangs should the one who rotates die at this point.
 */
#include "tickets.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "../clock.h"

enum { SLOTS = 3, WORDS = sizeof(struct ticket_key) / sizeof(uint64_t) };

_Static_assert(sizeof(struct ticket_key) % sizeof(uint64_t) == 0, "it is copied by words");

struct slot {
    _Atomic uint64_t version; /* odd: is being filled */
    _Atomic uint64_t words[WORDS];
};

struct tls_tickets {
    int64_t period; /* ms */
    int64_t due;    /* monotonic ms: the next turn; for the one who rotates */
    _Atomic uint64_t turn;
    struct slot slots[SLOTS];
};

static struct slot *slot_at(struct tls_tickets *t, uint64_t turn)
{
    return &t->slots[turn % SLOTS];
}

static void fill(struct slot *s, const struct ticket_key *key)
{
    uint64_t words[WORDS];
    memcpy(words, key, sizeof words);
    uint64_t version = atomic_load_explicit(&s->version, memory_order_relaxed) | 1;
    atomic_store_explicit(&s->version, version, memory_order_relaxed);
    for (size_t i = 0; i < WORDS; i++) /* whoever sees one of these sees the odd version, too */
        atomic_store_explicit(&s->words[i], words[i], memory_order_release);
    atomic_store_explicit(&s->version, version + 1, memory_order_release);
    explicit_bzero(words, sizeof words);
}

/* False: it was being filled. */
static bool copy(struct slot *s, struct ticket_key *key)
{
    uint64_t words[WORDS] = {0};
    uint64_t before = atomic_load_explicit(&s->version, memory_order_acquire);
    for (size_t i = 0; i < WORDS; i++)
        words[i] = atomic_load_explicit(&s->words[i], memory_order_acquire);
    memcpy(key, words, sizeof words);
    explicit_bzero(words, sizeof words);
    return before % 2 == 0 && atomic_load_explicit(&s->version, memory_order_relaxed) == before;
}

static bool draw(struct ticket_key *key)
{
    return getrandom(key, sizeof *key, 0) == (ssize_t)sizeof *key; /* 256 bytes come in one piece */
}

static bool refill(struct slot *s)
{
    struct ticket_key key;
    bool ok = draw(&key);
    if (ok)
        fill(s, &key);
    explicit_bzero(&key, sizeof key);
    return ok;
}

struct tls_tickets *tls_tickets_open(int64_t period)
{
    struct tls_tickets *t =
        mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (t == MAP_FAILED)
        return NULL;
    madvise(t, sizeof *t, MADV_DONTDUMP);
    t->period = period;
    t->due = clock_ms() + period;
    for (size_t i = 0; i < SLOTS; i++)
        if (!refill(&t->slots[i])) {
            int error = errno;
            tls_tickets_close(t);
            errno = error;
            return NULL;
        }
    return t;
}

void tls_tickets_close(struct tls_tickets *t)
{
    if (!t)
        return;
    explicit_bzero(t, sizeof *t);
    munmap(t, sizeof *t);
}

/* The key that seals has been ready for a whole turn; without randomness it stays where it is. */
static void take_turn(struct tls_tickets *t)
{
    uint64_t turn = atomic_load_explicit(&t->turn, memory_order_relaxed) + 1;
    atomic_store_explicit(&t->turn, turn, memory_order_release);
    refill(slot_at(t, turn + 1));
}

/* Should it come late by more than a whole turn, as after a suspended machine wakes up, the
 * previous key's time is over as well. */
void tls_tickets_rotate(struct tls_tickets *t, int64_t now)
{
    if (now < t->due)
        return;
    bool is_late = now - t->due >= t->period;
    take_turn(t);
    if (is_late)
        take_turn(t);
    t->due = now + t->period;
}

void tls_tickets_sealing(struct tls_tickets *t, struct ticket_key *key)
{
    while (!copy(slot_at(t, atomic_load_explicit(&t->turn, memory_order_acquire)), key))
        ; /* two turns have been taken meanwhile: look again who seals */
}

enum ticket_age tls_tickets_find(struct tls_tickets *t, const unsigned char name[TICKET_NAME_SIZE],
                                 struct ticket_key *key)
{
    uint64_t turn = atomic_load_explicit(&t->turn, memory_order_acquire);
    for (uint64_t age = 0; age < 2 && age <= turn; age++)
        if (copy(slot_at(t, turn - age), key) && memcmp(key->name, name, TICKET_NAME_SIZE) == 0)
            return age == 0 ? TICKET_CURRENT : TICKET_PREVIOUS;
    explicit_bzero(key, sizeof *key);
    return TICKET_UNKNOWN;
}
