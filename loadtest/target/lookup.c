/*
 * lookup.c — see lookup.h.
 */
#include "lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../units.h"

struct lookup {
    struct target *target;
    int64_t every_ns;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ended; /* under the lock */
};

static int order(const void *a, const void *b)
{
    return memcmp(&((const struct address *)a)->sa, &((const struct address *)b)->sa,
                  sizeof((const struct address *)a)->sa);
}

/* In an order of its own, since resolvers shuffle; each once. */
static void take_in(struct addresses *list, const struct addrinfo *found)
{
    for (; found && list->count < ADDRESSES_MAX; found = found->ai_next) {
        struct address *a = &list->all[list->count++];
        memset(a, 0, sizeof *a);
        memcpy(&a->sa, found->ai_addr, found->ai_addrlen);
        a->length = found->ai_addrlen;
    }
    qsort(list->all, list->count, sizeof list->all[0], order);
}

static bool same(const struct addresses *a, const struct addresses *b)
{
    if (!a || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (order(&a->all[i], &b->all[i]) != 0)
            return false;
    return true;
}

/* Only addresses of the family that was chosen at the start: the others may lead nowhere. */
static void look_up(struct endpoint *e)
{
    struct addrinfo hints = {.ai_family = e->address.sa.ss_family,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    if (hints.ai_family == AF_UNIX || getaddrinfo(e->host, e->port, &hints, &found) != 0)
        return;
    struct addresses *list = calloc(1, sizeof *list);
    if (list) {
        take_in(list, found);
        list->older = atomic_load(&e->addresses);
        if (same(list->older, list))
            free(list);
        else
            atomic_store(&e->addresses, list);
    }
    freeaddrinfo(found);
}

static void look_up_all(struct target *t)
{
    for (size_t i = 0; i < t->endpoint_count; i++)
        look_up(&t->endpoints[i]);
}

/* True when it is time to ask again, false when it is over. */
static bool rest(struct lookup *l)
{
    struct timespec until;
    int64_t at = now_ns() + l->every_ns;
    until.tv_sec = at / NS_PER_S;
    until.tv_nsec = at % NS_PER_S;
    pthread_mutex_lock(&l->lock);
    int waited = 0;
    while (!l->ended && waited == 0)
        waited = pthread_cond_timedwait(&l->end, &l->lock, &until);
    bool goes_on = !l->ended;
    pthread_mutex_unlock(&l->lock);
    return goes_on;
}

static void *keep_asking(void *argument)
{
    struct lookup *l = argument;
    while (rest(l))
        look_up_all(l->target);
    return NULL;
}

static void discard(struct lookup *l)
{
    pthread_cond_destroy(&l->end);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

struct lookup *lookup_start(struct target *t, int64_t every_ns, struct complaint *why)
{
    struct lookup *l = calloc(1, sizeof *l);
    pthread_condattr_t monotonic;
    sigset_t all, before;
    if (!l) {
        complain(why, "out of memory");
        return NULL;
    }
    l->target = t;
    l->every_ns = every_ns;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->end, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&l->lock, NULL);
    look_up_all(t);
    sigfillset(&all); /* signals are the main thread's business */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&l->thread, NULL, keep_asking, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return l;
    discard(l);
    complain(why, "--resolve: no thread can be started: %s", strerror(error));
    return NULL;
}

void lookup_stop(struct lookup *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->ended = true;
    pthread_cond_signal(&l->end);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    discard(l);
}
