/*
 * target.c — URLs are grouped by server, because a connection belongs to one server; the choice
 * between innocent and injected is one random number per request.
 */
#include "target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../engine/mischief.h"

#define SHOTS_MAX ((size_t)1 << 30)

static bool no_memory(struct complaint *why)
{
    return complain(why, "out of memory while building the requests");
}

/* A server is an address; with TLS, an address and a name. */
static struct endpoint *find_endpoint(struct target *t, const struct url *url,
                                      const struct address *address)
{
    for (size_t i = 0; i < t->endpoint_count; i++) {
        struct endpoint *known = &t->endpoints[i];
        bool same_tls = url->tls == (known->tls_host != NULL) &&
                        (!url->tls || strcasecmp(url->host, known->tls_host) == 0);
        if (same_tls && known->address.length == address->length &&
            memcmp(&known->address.sa, &address->sa, address->length) == 0)
            return known;
    }
    return NULL;
}

/* A name is asked for once, however many URLs have it. */
static struct endpoint *find_name(struct target *t, const struct url *url)
{
    for (size_t i = 0; i < t->endpoint_count; i++)
        if (strcmp(t->endpoints[i].host, url->host) == 0 &&
            strcmp(t->endpoints[i].port, url->port) == 0 &&
            url->tls == (t->endpoints[i].tls_host != NULL))
            return &t->endpoints[i];
    return NULL;
}

/* The endpoint for a URL, which is a new one if need be. */
static struct endpoint *endpoint_for(struct target *t, const struct url *url, struct complaint *why)
{
    struct address address;
    struct endpoint *endpoint = find_name(t, url);
    if (endpoint)
        return endpoint;
    if (!url_resolve(url, &address, why))
        return NULL;
    endpoint = find_endpoint(t, url, &address);
    if (endpoint)
        return endpoint;
    if (t->endpoint_count == MAX_SERVERS) {
        complain(why, "there can be %d different servers at most", MAX_SERVERS);
        return NULL;
    }
    endpoint = &t->endpoints[t->endpoint_count++];
    endpoint->address = address;
    strcpy(endpoint->host, url->host);
    strcpy(endpoint->port, url->port);
    strcpy(endpoint->authority, url->authority);
    endpoint->tls_host = url->tls ? endpoint->host : NULL;
    return endpoint;
}

/* The place for the endpoint's next shot; NULL when memory runs out. */
static struct shot *next_shot(struct endpoint *e)
{
    if (e->innocent_count == e->innocent_room) {
        size_t room = e->innocent_room ? 2 * e->innocent_room : 4;
        struct shot *shots = realloc(e->innocent, room * sizeof *shots);
        if (!shots)
            return NULL;
        e->innocent = shots;
        double *weights = realloc(e->weights, room * sizeof *weights);
        if (!weights)
            return NULL;
        e->weights = weights;
        e->innocent_room = room;
    }
    return &e->innocent[e->innocent_count];
}

static bool count_shot(struct target *t, const struct shot *shot, struct complaint *why)
{
    if (shot->template.room > t->room)
        t->room = shot->template.room;
    t->bytes += shot->borrowed ? 0 : shot->length;
    return t->bytes <= SHOTS_MAX ||
           complain(why, "the requests take more than 1 GiB, as each URL has its own copy of the "
                         "body: use fewer URLs or a smaller body");
}

static bool add_url(struct target *t, const struct aim *aim, const struct dress *dress,
                    struct complaint *why)
{
    struct url url;
    struct dress own = *dress;
    if (aim->method) {
        own.method = aim->method;
        if (strcmp(aim->method, "GET") == 0 || strcmp(aim->method, "HEAD") == 0)
            own.body = NULL;
    }
    if (!url_parse(aim->url, &url, why))
        return false;
    struct endpoint *endpoint = endpoint_for(t, &url, why);
    if (!endpoint)
        return false;
    struct shot *shot = next_shot(endpoint);
    if (!shot)
        return no_memory(why);
    if (!shot_build(shot, &own, &url, INNOCENT, why))
        return false;
    endpoint->weights[endpoint->innocent_count++] = aim->weight;
    endpoint->weight += aim->weight;
    return count_shot(t, shot, why);
}

static bool add_aim(struct target *t, const struct aim *aim, const struct dress *dress,
                    struct complaint *why)
{
    struct complaint detail;
    if (add_url(t, aim, dress, &detail))
        return true;
    if (!aim->file)
        return complain(why, "%s", detail.text);
    return complain(why, "%s:%u: %s", aim->file, aim->line, detail.text);
}

/* The server that --inject-url names. */
static const struct endpoint *find_inject_url(struct target *t, const struct injection *injection,
                                              struct url *url, struct complaint *why)
{
    struct address address;
    if (!url_parse(injection->url, url, why) || !url_resolve(url, &address, why))
        return NULL;
    const struct endpoint *endpoint = find_endpoint(t, url, &address);
    if (!endpoint)
        complain(why,
                 "--inject-url %s=%s: its scheme, host and port must be those of a URL under load",
                 injection->kind, injection->url);
    return endpoint;
}

/* A poisoned request is a plain GET, with the headers of the others but without their body. A wire
 * fault is one of the others, unless it has a URL of its own. */
static bool build_injected(struct endpoint *endpoint, const struct injection *injection,
                           const struct dress *dress, const struct url *url, struct shot *shot,
                           struct complaint *why)
{
    const struct mischief_kind *mischief =
        injection->level == FAULT_WIRE ? mischief_kind(injection->kind) : NULL;
    if (mischief && !injection->url) {
        shot_corrupt(shot, &endpoint->innocent[0], mischief);
        return true;
    }
    struct dress plain = *dress;
    struct url there = *url;
    plain.method = "GET";
    plain.body = NULL;
    if (!injection->url) {
        snprintf(there.uri, sizeof there.uri, "/fault/%s", injection->kind);
        strcpy(there.authority, endpoint->authority);
    }
    bool built = shot_build(shot, &plain, &there, INJECTED, why);
    shot->mischief = mischief;
    return built;
}

static bool add_injection(struct target *t, size_t index, const struct dress *dress,
                          struct complaint *why)
{
    const struct injection *injection = &t->injections[index];
    struct url url = {0};
    const struct endpoint *only = NULL;
    if (injection->url && !(only = find_inject_url(t, injection, &url, why)))
        return false;
    for (size_t i = 0; i < t->endpoint_count; i++) {
        struct endpoint *endpoint = &t->endpoints[i];
        if (only && endpoint != only)
            continue;
        if (!build_injected(endpoint, injection, dress, &url, &endpoint->injected[index], why) ||
            !count_shot(t, &endpoint->injected[index], why))
            return false;
    }
    return true;
}

static bool make_choice(struct endpoint *e, struct complaint *why)
{
    bool equal = true;
    for (size_t i = 1; i < e->innocent_count; i++)
        equal &= e->weights[i] >= e->weights[0] && e->weights[i] <= e->weights[0];
    return equal || alias_make(&e->alias, e->weights, e->innocent_count) || no_memory(why);
}

/* The endpoint that lacks most of what it is due, when there will be `connections`. */
static size_t neediest(const struct target *t, const unsigned *has, double weight,
                       unsigned connections)
{
    size_t chosen = 0;
    double most = -INFINITY;
    for (size_t i = 0; i < t->endpoint_count; i++) {
        double lacks = t->endpoints[i].weight / weight * connections - has[i];
        if (lacks > most) {
            most = lacks;
            chosen = i;
        }
    }
    return chosen;
}

/* Each server in turn gets its first connection; from then on the one that lacks most. */
static bool share_out(struct target *t, unsigned connections, struct complaint *why)
{
    unsigned has[MAX_SERVERS] = {0};
    double weight = 0;
    if (t->endpoint_count > connections)
        return complain(why, "%zu servers need at least as many connections: raise -c",
                        t->endpoint_count);
    t->berths = calloc(connections, sizeof *t->berths);
    if (!t->berths)
        return complain(why, "out of memory while sharing out the connections");
    for (size_t i = 0; i < t->endpoint_count; i++)
        weight += t->endpoints[i].weight;
    for (unsigned n = 0; n < connections; n++) {
        t->berths[n] = n < t->endpoint_count ? n : neediest(t, has, weight, n + 1);
        has[t->berths[n]]++;
    }
    return true;
}

bool target_build(struct target *t, const struct aim *aims, size_t aim_count,
                  const struct injection *injections, size_t injection_count,
                  const struct dress *dress, unsigned connections, struct complaint *why)
{
    memset(t, 0, sizeof *t);
    t->endpoints = calloc(aim_count < MAX_SERVERS ? aim_count : MAX_SERVERS, sizeof *t->endpoints);
    if (!t->endpoints)
        return no_memory(why);
    for (size_t i = 0; i < injection_count; i++)
        t->injections[i] = injections[i];
    t->injection_count = injection_count;
    bool good = true;
    for (size_t i = 0; good && i < aim_count; i++)
        good = add_aim(t, &aims[i], dress, why);
    for (size_t i = 0; good && i < injection_count; i++)
        good = add_injection(t, i, dress, why);
    for (size_t i = 0; good && i < t->endpoint_count; i++)
        good = make_choice(&t->endpoints[i], why);
    good = good && share_out(t, connections, why);
    if (!good)
        target_free(t);
    return good;
}

static void forget_addresses(struct endpoint *e)
{
    struct addresses *list = atomic_load(&e->addresses);
    while (list) {
        struct addresses *older = list->older;
        free(list);
        list = older;
    }
}

void target_free(struct target *t)
{
    for (size_t i = 0; i < t->endpoint_count; i++) {
        struct endpoint *endpoint = &t->endpoints[i];
        for (size_t j = 0; j < endpoint->innocent_count; j++)
            shot_free(&endpoint->innocent[j]);
        for (size_t j = 0; j < MAX_INJECTIONS; j++)
            shot_free(&endpoint->injected[j]);
        free(endpoint->innocent);
        free(endpoint->weights);
        alias_free(&endpoint->alias);
        forget_addresses(endpoint);
    }
    free(t->endpoints);
    free(t->berths);
    memset(t, 0, sizeof *t);
}

bool target_needs_tls(const struct target *t)
{
    for (size_t i = 0; i < t->endpoint_count; i++)
        if (t->endpoints[i].tls_host)
            return true;
    return false;
}

bool target_needs_gang(const struct target *t)
{
    for (size_t i = 0; i < t->injection_count; i++)
        if (t->injections[i].level == FAULT_WIRE)
            return true;
    return false;
}

const struct endpoint *target_endpoint_of(const struct target *t, size_t n)
{
    return &t->endpoints[t->berths[n]];
}

const struct address *endpoint_address(const struct endpoint *e, unsigned *turn)
{
    const struct addresses *list = atomic_load(&e->addresses);
    return list && list->count > 0 ? &list->all[(*turn)++ % list->count] : &e->address;
}

void chooser_init(struct chooser *c, const struct target *t, uint64_t seed, unsigned thread)
{
    memset(c, 0, sizeof *c);
    c->target = t;
    rng_seed(&c->rng, seed, thread);
    for (size_t i = 0; i < t->injection_count; i++) {
        c->share += t->injections[i].share;
        bool timed = t->injections[i].share <= 0 && thread == 0;
        c->next_ns[i] = timed ? t->injections[i].first_ns : INT64_MAX;
    }
}

const struct shot *chooser_next_innocent(struct chooser *c, const struct endpoint *endpoint)
{
    if (endpoint->innocent_count == 1)
        return &endpoint->innocent[0];
    if (endpoint->alias.count > 0)
        return &endpoint->innocent[alias_draw(&endpoint->alias, &c->rng)];
    unsigned *turn = &c->turns[endpoint - c->target->endpoints];
    return &endpoint->innocent[(*turn)++ % endpoint->innocent_count];
}

/* The injection whose moment has come, or NULL. A moment that was missed is made up for at once,
 * but only once. */
static const struct shot *timed_shot(struct chooser *c, const struct endpoint *endpoint,
                                     int64_t at_ns)
{
    for (size_t i = 0; i < c->target->injection_count; i++) {
        const struct injection *injection = &c->target->injections[i];
        if (at_ns < c->next_ns[i] || !endpoint->injected[i].bytes)
            continue;
        if (injection->every_ns == 0)
            c->next_ns[i] = INT64_MAX;
        else
            while (c->next_ns[i] <= at_ns)
                c->next_ns[i] += injection->every_ns;
        return &endpoint->injected[i];
    }
    return NULL;
}

/* One number decides both whether to inject and what. */
static const struct shot *random_shot(struct chooser *c, const struct endpoint *endpoint)
{
    double draw = rng_unit(&c->rng);
    if (draw >= c->share)
        return NULL;
    for (size_t i = 0; i < c->target->injection_count; i++) {
        draw -= c->target->injections[i].share;
        if (draw < 0)
            return endpoint->injected[i].bytes ? &endpoint->injected[i] : NULL;
    }
    return NULL;
}

const struct shot *chooser_next(struct chooser *c, const struct endpoint *endpoint, int64_t at_ns)
{
    const struct shot *shot = NULL;
    if (c->target->injection_count > 0) {
        shot = timed_shot(c, endpoint, at_ns);
        if (!shot && c->share > 0)
            shot = random_shot(c, endpoint);
    }
    return shot ? shot : chooser_next_innocent(c, endpoint);
}
