/*
 * keys.c — see keys.h for who does what.
 */
#include "keys.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/tls/context.h"
#include "common/tls/material.h"
#include "common/tls/tickets.h"

enum { HALVES = 2, WHY_SIZE = 1024 };

/* What the two processes say to each other. */
struct dealings {
    _Atomic unsigned offer;  /* by the supervisor: grows with each; 0: there was none yet */
    _Atomic unsigned answer; /* by the serving process: twice the offer, plus one if it was good */
    struct tls_figures figures;
};

static struct {
    struct material *halves; /* read-only in the serving process */
    struct dealings *dealings;
    struct tls_tickets *tickets;
    unsigned current; /* the half that is in use; a copy in either process */
    bool is_offered;  /* supervisor: an offer waits for its answer */
    bool is_asked;    /* … and HUP has come once more */
    struct tls_context *context;
    pthread_mutex_t lock; /* of context: for the moment it takes to exchange or keep it */
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct material *half_in_use(void)
{
    return &keys.halves[keys.current];
}

static struct material *other_half(void)
{
    return &keys.halves[!keys.current];
}

/* --- in the supervisor --- */

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes, MADV_DONTDUMP); /* keys do not belong in a core file */
    return p;
}

static bool get_memory(const struct options *o)
{
    keys.halves = map(HALVES * sizeof *keys.halves);
    keys.dealings = map(sizeof *keys.dealings);
    keys.tickets = tls_tickets_open(o->tls_ticket_time);
    if (keys.halves && keys.dealings && keys.tickets)
        return true;
    log_line(LOG_ERROR, "no memory for TLS: %s", strerror(errno));
    return false;
}

bool keys_read(const struct options *o)
{
    char why[WHY_SIZE];
    if (!get_memory(o)) {
        keys_close();
        return false;
    }
    if (material_read(half_in_use(), o, why, sizeof why))
        return true;
    log_line(LOG_ERROR, "%s", why);
    keys_close();
    return false;
}

void keys_close(void)
{
    if (keys.halves) {
        material_wipe(half_in_use());
        material_wipe(other_half());
        munmap(keys.halves, HALVES * sizeof *keys.halves);
    }
    if (keys.dealings)
        munmap(keys.dealings, sizeof *keys.dealings);
    if (keys.tickets)
        tls_tickets_close(keys.tickets);
    keys.halves = NULL;
    keys.dealings = NULL;
    keys.tickets = NULL;
}

struct tls_figures *keys_figures(void)
{
    return &keys.dealings->figures;
}

/* The half that is not in use may still be looked at, as long as an offer is open. */
void keys_read_again(const struct options *o)
{
    char why[WHY_SIZE];
    keys.is_asked = keys.is_offered;
    if (keys.is_offered)
        return;
    if (!material_read(other_half(), o, why, sizeof why)) {
        log_line(LOG_ERROR, "reload: %s; the certificates in use stay", why);
        return;
    }
    keys.is_offered = true;
    atomic_fetch_add(&keys.dealings->offer, 1);
}

/* Nothing but the number is believed: a wild handler can write here. */
bool keys_await_answer(const struct options *o)
{
    unsigned answer = atomic_load(&keys.dealings->answer);
    if (!keys.is_offered)
        return false;
    if (answer >> 1 != atomic_load(&keys.dealings->offer))
        return true;
    if (answer & 1)
        keys.current = !keys.current;
    material_wipe(other_half());
    keys.is_offered = false;
    if (keys.is_asked)
        keys_read_again(o);
    return keys.is_offered;
}

/* --- in the serving process --- */

static struct tls_context *open_context(const struct options *o, const struct material *m,
                                        const char *otherwise)
{
    char why[WHY_SIZE];
    struct tls_context *c = tls_context_open(m, o, keys.tickets, why, sizeof why);
    if (!c) {
        log_line(LOG_ERROR, "%s%s", why, otherwise);
        return NULL;
    }
    tls_context_describe(c, why, sizeof why);
    log_line(LOG_INFO, "TLS: %s", why);
    return c;
}

static void exchange(struct tls_context *fresh)
{
    pthread_mutex_lock(&keys.lock);
    struct tls_context *old = keys.context;
    keys.context = fresh;
    pthread_mutex_unlock(&keys.lock);
    tls_context_close(old); /* its sessions keep what they need of it */
}

void keys_protect(void)
{
    mprotect(keys.halves, HALVES * sizeof *keys.halves, PROT_READ);
}

bool keys_use(const struct options *o)
{
    struct tls_context *c = open_context(o, half_in_use(), "");
    if (!c)
        return false;
    exchange(c);
    return true;
}

static void answer_offer(const struct options *o, unsigned offer)
{
    struct tls_context *c = open_context(o, other_half(), "; the certificates in use stay");
    if (c) {
        exchange(c);
        keys.current = !keys.current;
    }
    atomic_store(&keys.dealings->answer, offer << 1 | (c != NULL));
}

void keys_tick(const struct options *o)
{
    unsigned offer = atomic_load(&keys.dealings->offer);
    tls_tickets_rotate(keys.tickets, clock_ms());
    if (offer != atomic_load(&keys.dealings->answer) >> 1)
        answer_offer(o, offer);
}

struct tls_session *keys_open_session(int fd)
{
    pthread_mutex_lock(&keys.lock);
    struct tls_context *c = tls_context_keep(keys.context);
    pthread_mutex_unlock(&keys.lock);
    struct tls_session *t = tls_open(c, fd);
    tls_context_close(c);
    return t;
}

void keys_drop(void)
{
    exchange(NULL);
}
